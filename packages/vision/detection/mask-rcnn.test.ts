import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  arange,
  autocast,
  fromTypedArray,
  liveTensors,
  manualSeed,
  memoryUse,
  ones,
  optim,
  rand,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from '@fovea/torch';
import recorded from '../fixtures/cropped-masks.json' with { type: 'json' };
import onImages from '../fixtures/pasted-masks.json' with { type: 'json' };
import { applyStateDict } from '../weights/apply-pretrained.ts';
import {
  cropMasks,
  type DetectionLosses,
  type Detections,
  type DetectionTarget,
  maskRcnn,
  masksOnImage,
} from './index.ts';

const { height, width, side } = recorded;
const boxes = tensor(recorded.boxes);
const matches = tensor(recorded.matches, { dtype: 'int64' });

/** `[count, rows, columns]` */
const grid = (shape: number[], value: (i: number, y: number, x: number) => number): Tensor => {
  const [count, rows, columns] = shape;
  const values = Float32Array.from({ length: count * rows * columns }, (_, k) =>
    value(Math.floor(k / (rows * columns)), Math.floor(k / columns) % rows, k % columns),
  );
  return fromTypedArray(values, shape);
};

function assertFigures(found: Tensor, expected: typeof recorded.crops): void {
  assert.deepEqual(found.shape, expected.shape);
  const flat = found.flatten(1);
  const sums = flat.sum(1).toArray() as number[];
  for (const [i, sum] of expected.sum.entries())
    assert.ok(Math.abs(sums[i] - sum) < 1e-3, `${i}: ${sums[i]}, not ${sum}`);
  assert.deepEqual(flat.gt(0.5).float().sum(1).toArray(), expected.above_half);
  const values = flat.toArray() as number[][];
  for (const [i, k, value] of expected.at) assert.ok(Math.abs(values[i][k] - value) < 1e-5, `${i}, ${k}`);
}

describe('masks are those of torchvision', () => {
  const masks = grid([3, height, width], (i, y, x) => (((x + 3 * i) * (y + 5)) % 17 < 8 + i ? 1 : 0)).to({
    dtype: 'uint8',
  });

  test('cut out around boxes, however few are made floats at a time', () => {
    for (const mostPixels of [1, 2 * height * width, 2 ** 22])
      assertFigures(cropMasks(masks, boxes, matches, side, { mostPixels }), recorded.crops);
  });

  test('cut out without floats of all of them', () => {
    const many = ones([64, 200, 300], { dtype: 'uint8' });
    const of = arange(0, 64);
    const inImage = ones([64, 4]).mul(tensor([10, 20, 150, 160]));
    const { now } = memoryUse({ restart: true });
    tidy(() =>
      assert.equal(
        cropMasks(many, inImage, of, side, { mostPixels: 2 * 200 * 300 })
          .min()
          .item(),
        1,
      ),
    );
    assert.ok(memoryUse().most - now < many.numel / 2, `${memoryUse().most - now} bytes`);
  });

  test('put on the image, also where boxes leave it or are smaller than a pixel', () => {
    for (const { size, boxes: its, masks: cells, sums, above } of onImages.cases) {
      const ofBoxes = tensor(cells).reshape([its.length, onImages.side, onImages.side]);
      const pasted = masksOnImage(ofBoxes, tensor(its), { height: size[0], width: size[1] });
      const found = pasted.sum([1, 2]).toArray() as number[];
      for (const [k, sum] of sums.entries()) assert.ok(Math.abs(found[k] - sum) < 1e-3, `${found[k]}, not ${sum}`);
      for (const [threshold, expected] of Object.entries(above)) {
        const columns = pasted.gt(Number(threshold)).transpose(1, 2).flatten(1).float().toArray() as number[][];
        const pixels = columns.map((values) => values.flatMap((value, pixel) => (value ? [pixel] : [])));
        assert.deepEqual(pixels, expected, threshold);
      }
    }
  });

  test('none', () => {
    assert.deepEqual(masksOnImage(zeros([0, 28, 28]), zeros([0, 4]), { height, width }).shape, [0, height, width]);
    const nothing = zeros([0], { dtype: 'int64' });
    assert.deepEqual(cropMasks(masks, zeros([0, 4]), nothing, side).shape, [0, side, side]);
  });
});

describe('maskRcnn', () => {
  const small = {
    backbone: 'resnet18',
    classes: 4,
    minSize: 64,
    maxSize: 96,
    boxBatchSizePerImage: 32,
    boxDetectionsPerImg: 5,
  } as const;
  const images = [rand([3, 60, 80]), rand([3, 50, 40])];
  const none = { boxes: zeros([0, 4]), labels: zeros([0], { dtype: 'int64' }) };
  const left = grid([1, 60, 80], (_, __, x) => Number(x < 30)).to({ dtype: 'uint8' });
  const target = (masks?: Tensor): DetectionTarget => ({
    boxes: tensor([[10, 10, 50, 40]]),
    labels: tensor([2], { dtype: 'int64' }),
    ...(masks && { masks }),
  });
  const total = (losses: DetectionLosses): Tensor => Object.values(losses).reduce((sum, loss) => sum.add(loss));
  manualSeed(1);
  const model = maskRcnn(small);

  test('as a module gives five losses in training and masks in evaluation', () => {
    const losses = model.train().forward(images, [target(left), none]) as DetectionLosses;
    assert.deepEqual(Object.keys(losses), ['classifier', 'boxRegression', 'mask', 'objectness', 'rpnBoxRegression']);
    const [found] = model.eval().forward(images) as Detections[];
    assert.ok(found.scores.size(0) > 0);
    assert.deepEqual(found.masks?.shape, [found.scores.size(0), 28, 28]);
    assert.equal(found.masks?.requiresGrad, false);
    assert.ok((found.masks?.min().item() ?? -1) >= 0 && (found.masks?.max().item() ?? 2) <= 1);
  });

  test('images without objects teach no mask, and nothing breaks, whatever the order of the weights in memory', () => {
    for (const memoryFormat of ['contiguous', 'channels_last'] as const) {
      model.to({ memoryFormat }).train().zeroGrad();
      const losses = model.losses(images, [none, none]);
      assert.equal(losses.mask.item(), 0);
      tidy(() => total(losses).backward());
      for (const { grad } of model.roi_heads.mask_head.parameters()) assert.equal(grad?.abs().max().item() ?? 0, 0);
      const strict = maskRcnn({ ...small, boxScoreThresh: 1 }).to({ memoryFormat });
      assert.deepEqual(strict.eval().detect(images)[0].masks?.shape, [0, 28, 28]);
    }
    model.to({ memoryFormat: 'contiguous' });
  });

  test('says which target lacks masks, or has wrong ones', () => {
    const losses = (of: DetectionTarget) => () => model.losses(images, [none, of]);
    const inSecond = (masks?: Tensor) => ({ ...target(masks), boxes: tensor([[10, 10, 30, 40]]) });
    assert.throws(losses(inSecond()), /image 1: 1 boxes without masks; .* masks \[1, H, W\]/);
    assert.throws(losses(inSecond(left)), /image 1: masks are \[1,50,40\], got \[1,60,80\]/);
  });

  test('a step leaves no tensors behind', () => {
    const step = (): void => tidy(() => total(model.train().losses(images, [target(left), none])).backward());
    step();
    const before = liveTensors();
    step();
    tidy(() => {
      model.eval().detect(images);
    });
    assert.ok(liveTensors() <= before);
  });

  test('its mask loss is float32 under autocast', () => {
    const losses = autocast({ dtype: 'bfloat16' }, () => model.train().losses(images, [target(left), none]));
    assert.equal(losses.mask.dtype, 'float32');
    assert.ok(Number.isFinite(losses.mask.item()));
  });

  test('a few steps on one image lower the loss of its mask', () => {
    manualSeed(3);
    const learner = maskRcnn({ ...small, normalisation: 'batch', trainableLayers: 2 }).train();
    const optimizer = new optim.SGD(learner.parameters(), { learningRate: 0.0005, momentum: 0.9 });
    const losses = Array.from({ length: 6 }, () =>
      tidy(() => {
        optimizer.zeroGrad();
        const terms = learner.losses([images[0]], [target(left)]);
        total(terms).backward();
        optimizer.step();
        return terms.mask.item();
      }),
    );
    assert.ok(losses[5] < losses[0] * 0.8, `${losses}`);
  });

  test('takes weights for other classes, all but the predictors of classes and masks', () => {
    const coco = maskRcnn({ ...small, classes: 7 });
    const older = (name: string): string =>
      name
        .replace(/(fpn\.\w+_blocks\.\d)\.0\./, '$1.')
        .replace('rpn.head.conv.0.0.', 'rpn.head.conv.')
        .replace(/mask_head\.(\d)\.0\./, (_, layer) => `mask_head.mask_fcn${Number(layer) + 1}.`);
    const state = new Map([...coco.stateDict()].map(([name, values]) => [older(name), values]));
    assert.ok(state.has('roi_heads.mask_head.mask_fcn4.weight'));
    const head = ['roi_heads.box_predictor.', 'roi_heads.mask_predictor.mask_fcn_logits.'];
    const report = applyStateDict(model, state, { head });
    assert.equal(report.headReinitialised, true);
    assert.deepEqual(
      [...model.stateDict().keys()].filter((name) => !report.loaded.includes(name)),
      ['cls_score', 'bbox_pred']
        .flatMap((layer) => ['weight', 'bias'].map((leaf) => `roi_heads.box_predictor.${layer}.${leaf}`))
        .concat(['weight', 'bias'].map((leaf) => `roi_heads.mask_predictor.mask_fcn_logits.${leaf}`)),
    );
    const [ours, theirs] = [model, coco].map((its) => its.roi_heads.mask_predictor.conv5_mask.weight);
    assert.ok(ours.equal(theirs));
  });

  test('one object is one mask on the image', () => {
    const whole = masksOnImage(ones([1, 28, 28]), tensor([[10, 10, 50, 40]]), { height: 60, width: 80 });
    assert.equal(whole.select(0, 0).narrow(0, 12, 26).narrow(1, 12, 36).min().item(), 1);
    assert.equal(whole.gt(0).float().sum().item() <= 44 * 34, true);
  });
});
