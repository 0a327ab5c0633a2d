import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { liveTensors, manualSeed, nn, randn, tidy } from '@fovea/torch';
import { findDetector, type ObjectDetector } from '@fovea/vision';
import sharp from 'sharp';
import { writeModelFolder } from '../../model-folder/write.ts';
import { type AnyDetector, exportDetector } from '../../onnx/detection/export.ts';
import { boxHeat } from './box-heat.ts';
import { openObjectExplainer } from './open-object-explainer.ts';

const LABELS = ['cat', 'dog', 'owl'];
const SIDE = 128;

function random(name: string): ObjectDetector {
  manualSeed(11);
  const detector = findDetector(name).build({
    classes: LABELS.length,
    minSize: SIDE,
    maxSize: SIDE,
    imageSize: SIDE,
    modelSize: 'small',
    scoreThreshold: 1e-4,
    nmsIouThreshold: 0.5,
    learnsNormalisation: true,
  });
  detector.network.eval();
  return detector;
}

describe('where a detector sees a box', () => {
  const box = [70, 66, 118, 120];

  /** The heats of a box, as each of the classes, of a network of random weights. */
  const heatsOf = (name: string): Float64Array[] =>
    tidy(() => {
      const detector = random(name);
      const input = { images: randn([1, 3, SIDE, SIDE]), sizes: [{ width: SIDE, height: SIDE }] };
      const before = liveTensors();
      const heats = LABELS.map((_, label) => boxHeat(detector, input, { box, label }));
      assert.ok(liveTensors() <= before);
      return heats;
    });

  for (const name of ['fasterrcnn_resnet18_fpn', 'maskrcnn_resnet18_fpn', 'retinanet_resnet50_fpn', 'yolov5']) {
    test(`${name} tells it by values from 0 to 1, class by class`, () => {
      const heats = heatsOf(name);
      for (const heat of heats) {
        assert.equal(heat.length, SIDE * SIDE);
        assert.ok(heat.every((value) => value >= 0 && value <= 1));
      }
      assert.ok(heats.some((heat) => heat.some((value) => value > 0)));
      assert.notDeepEqual(heats[0], heats[1]);
    });
  }

  test('the second stage of Faster R-CNN looks at nothing but the box', () => {
    for (const heat of heatsOf('fasterrcnn_resnet18_fpn')) {
      const isFar = (at: number) => at % SIDE < box[0] - 16 || Math.floor(at / SIDE) < box[1] - 16;
      assert.ok(heat.every((value, at) => value === 0 || !isFar(at)));
    }
  });

  test('a detector of another kind is refused', () => {
    const strange = { ...random('yolov5'), network: new nn.Sequential(), firstLabel: 0 } as unknown as ObjectDetector;
    const input = { images: randn([1, 3, 8, 8]), sizes: [{ width: 8, height: 8 }] };
    assert.throws(() => boxHeat(strange, input, { box: [0, 0, 4, 4], label: 0 }), /what a Sequential finds/);
  });
});

describe("a detector's model folder is explained", () => {
  let work = '';
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'object-explainer-'));
  });
  after(() => rm(work, { recursive: true }));

  async function modelFolder(): Promise<string> {
    const { network, normalisation } = random('yolov5');
    const folder = join(work, 'yolov5');
    await writeModelFolder(folder, {
      task: 'image_object_detection',
      modelName: 'yolov5',
      labels: LABELS,
      input: { ...normalisation, interpolation: 'linear', normalised_in_graph: false },
      settings: { img_size: SIDE, model_size: 'small', box_score_thresh: 1e-4, nms_iou_thresh: 0.5 },
      weights: network.stateDict(),
      onnx: tidy(() =>
        exportDetector(network as AnyDetector, { metadata: { labels: JSON.stringify(LABELS), model_name: 'yolov5' } }),
      ),
      training: {},
      weightsOrigin: { pretrained: false, weights: 'random', licence: null },
    });
    return folder;
  }

  test('object by object, best first, with a picture of each', async () => {
    const explainer = await openObjectExplainer(await modelFolder());
    const photo = await sharp({ create: { width: 90, height: 60, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const found = await explainer.explain(photo, { most: 2 });
    assert.equal(found.length, 2);
    assert.ok(found[0].score >= found[1].score);
    for (const { label, box, heat, size, visualization } of found) {
      assert.ok(LABELS.includes(label));
      assert.ok(Object.values(box).every((share) => share >= 0 && share <= 1));
      assert.deepEqual([size, heat.length], [{ width: SIDE, height: SIDE }, SIDE * SIDE]);
      const { width, height, format } = await sharp(visualization).metadata();
      assert.deepEqual([width, height, format], [2 * SIDE, 2 * SIDE, 'png']);
    }
    await assert.rejects(explainer.explain(photo, { signal: AbortSignal.abort() }), { name: 'AbortError' });
    explainer.close();
  });
});
