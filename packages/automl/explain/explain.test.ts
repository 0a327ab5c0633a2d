import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { liveTensors, manualSeed, nn, noGrad, type Tensor, tidy } from '@fovea/torch';
import { createModel, findModel, modelNames } from '@fovea/vision';
import sharp from 'sharp';
import { type ExplainableNetwork, explain, networkInput } from './explain.ts';
import { readXaiParameters } from './parameters.ts';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** A red square in a noisy picture. */
function picture(size: number): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
    const isInside = x > size / 4 && x < size / 2 && y > size / 4 && y < size / 2;
    return isInside ? (i % 3 === 0 ? 220 : 20) : 90 + ((i * 7919) % 61);
  });
}

/** Logits: the mean of red and of blue over the picture, each through a convolution that only hands them on, and a ReLU in place. */
class Colours extends nn.Module {
  maps = new nn.Conv2d(3, 2, 1, { bias: false });

  constructor() {
    super();
    noGrad(() => this.maps.weight.zero_());
    for (const [map, channel] of [0, 2].entries())
      noGrad(() => this.maps.weight.select(0, map).select(0, channel).fill_(1));
  }

  forward(x: Tensor): Tensor {
    return this.maps.forward(x).relu_().mean([2, 3]);
  }
}

const colours = (size: number): ExplainableNetwork => ({
  model: new Colours().eval(),
  gradCam: 'maps',
  size,
  mean: MEAN,
  std: STD,
});

const quick = (xai_algorithm: string) => readXaiParameters({ xai_algorithm, n_steps: 2, visualizations: false });

/** A network of these takes seconds to make and gigabytes; its smaller sisters are built in the same way. */
const TOO_LARGE = 60_000_000;

describe('every model is explained by every algorithm', () => {
  for (const name of modelNames().filter((each) => findModel(each).parameters < TOO_LARGE)) {
    test(name, async () => {
      manualSeed(1);
      const { gradCam, input } = findModel(name);
      const size = 'only' in input.sizes ? input.sizes.only[0] : 64;
      const model = tidy(() => createModel(name, { classes: 3, size }).eval());
      const pixels = picture(size);
      const before = liveTensors();
      for (const algorithm of ['xrai', 'integrated_gradients', 'guided_gradcam', 'guided_backprop']) {
        const network = { model, gradCam, size, mean: MEAN, std: STD };
        const [{ attributions, target }] = await explain(network, pixels, {
          parameters: quick(algorithm),
          targets: [2],
        });
        assert.equal(target, 2);
        assert.equal(attributions.length, 3 * size * size);
        assert.ok(attributions.every(Number.isFinite));
        assert.ok(algorithm === 'guided_gradcam' || attributions.some((value) => value !== 0), algorithm);
      }
      assert.ok(liveTensors() <= before);
      for (const tensor of model.stateDict().values()) tensor.dispose();
    });
  }
});

describe('explain', () => {
  test('integrated gradients add up to what the image gains over the baseline', async () => {
    const network = colours(16);
    const pixels = picture(16);
    const parameters = readXaiParameters({ xai_algorithm: 'integrated_gradients', visualizations: false });
    const explanations = await explain(network, pixels, { parameters, targets: [0, 1] });
    const logits = tidy(() => network.model.forward(networkInput(network, pixels)).toArray()) as number[][];
    for (const { target, attributions } of explanations) {
      const sum = attributions.reduce((a, b) => a + b);
      assert.ok(Math.abs(sum - logits[0][target]) < 1e-5, `${sum} of ${logits[0][target]}`);
    }
  });

  test('several classes at once are explained as each by itself', async () => {
    const network = colours(16);
    for (const algorithm of ['xrai', 'integrated_gradients', 'guided_gradcam', 'guided_backprop']) {
      const ask = (targets: number[]) => explain(network, picture(16), { parameters: quick(algorithm), targets });
      const [red, blue] = await ask([0, 1]);
      assert.notDeepEqual(red.attributions, blue.attributions);
      assert.deepEqual([red, blue], [...(await ask([0])), ...(await ask([1]))]);
    }
  });

  test('the region that speaks for a class is the one that has its colour', async () => {
    const size = 64;
    const parameters = readXaiParameters({ n_steps: 10 });
    for (const xrai_fast of [true, false]) {
      const [{ attributions, visualization }] = await explain(colours(size), picture(size), {
        parameters: { ...parameters, xrai_fast },
        targets: [0],
      });
      const at = (x: number, y: number) => attributions[y * size + x];
      assert.ok(at(24, 24) > at(50, 50));
      assert.deepEqual(attributions.subarray(0, size * size), attributions.subarray(size * size, 2 * size * size));
      const { width, height, format } = await sharp(visualization ?? undefined).metadata();
      assert.deepEqual([width, height, format], [2 * size, 2 * size, 'png']);
    }
  });

  test('is given up between two steps, and leaves nothing behind', async () => {
    const network = colours(256);
    const before = liveTensors();
    for (const algorithm of ['xrai', 'integrated_gradients']) {
      const controller = new AbortController();
      const parameters = readXaiParameters({ xai_algorithm: algorithm, n_steps: 1000 });
      const work = explain(network, picture(256), { parameters, targets: [0], signal: controller.signal });
      setTimeout(() => controller.abort(), 5);
      await assert.rejects(work, { name: 'AbortError' });
    }
    // Those of tests before may be found to be nobody's meanwhile.
    assert.ok(liveTensors() <= before, `${liveTensors()} tensors, before ${before}`);
  });

  test('says what it cannot explain', async () => {
    const network = colours(16);
    const ask = (changed: Partial<ExplainableNetwork>, pixels = picture(16), algorithm = 'guided_gradcam') =>
      explain({ ...network, ...changed }, pixels, { parameters: quick(algorithm), targets: [0] });
    await assert.rejects(ask({}, picture(8)), /RGB images of 16 × 16, 768 bytes; this has 192/);
    await assert.rejects(ask({ gradCam: 'layer4' }), /looks at the layer layer4, and the network has none/);
    for (const algorithm of ['xrai', 'integrated_gradients', 'guided_backprop']) {
      const broken = colours(16);
      noGrad(() => (broken.model as Colours).maps.weight.fill_(Number.NaN));
      await assert.rejects(ask(broken, picture(16), algorithm), /not finite/, algorithm);
    }
    assert.deepEqual(await explain(network, picture(16), { parameters: quick('xrai'), targets: [] }), []);
  });
});
