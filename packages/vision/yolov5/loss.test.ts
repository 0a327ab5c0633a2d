import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, ops, Parameter, randn, type Tensor, tensor, tidy } from '@fovea/torch';
import { completeBoxIou, convertBoxes } from '../ops/index.ts';
import { type Assignment, assignTargets } from './assign.ts';
import { pairwiseCompleteIou } from './complete-iou.ts';
import { scaleYoloV5Gains, YOLOV5_GAINS, type YoloV5LossSettings, yolov5Loss } from './loss.ts';

const anchors = (): Tensor =>
  tensor([
    [
      [1.25, 1.625],
      [2, 3.75],
      [4.125, 2.875],
    ],
    [
      [1.875, 3.8125],
      [3.875, 2.8125],
      [3.6875, 7.4375],
    ],
    [
      [3.625, 2.8125],
      [4.875, 6.1875],
      [11.65625, 10.1875],
    ],
  ]);
const SIZES = [8, 4, 2].map((cells) => ({ height: cells, width: cells }));
const outputs = (classes: number): Parameter[] => {
  manualSeed(1);
  return SIZES.map(({ height, width }) => new Parameter(randn([2, 3, height, width, 5 + classes])));
};
const loss = (raw: Tensor[], targets: number[][], settings: Partial<YoloV5LossSettings> = {}) =>
  yolov5Loss(raw, tensor(targets.flat(), { dtype: 'float32' }).reshape([-1, 6]), {
    version: '6.2',
    anchors: anchors(),
    gains: YOLOV5_GAINS,
    ...settings,
  });
const cells = ({ image, row, column }: Assignment): string[] => {
  const [images, rows, columns] = [image, row, column].map((index) => index.toArray() as number[]);
  return [...new Set(images.map((of, i) => `${of}: ${rows[i]}, ${columns[i]}`))].sort();
};
const assigned = (targets: number[][]): Assignment[] =>
  assignTargets(tensor(targets, { dtype: 'float32' }), anchors(), SIZES, 4);

describe('assignment', () => {
  test('a box belongs to the cell of its centre and to the nearest cells beside and above or below', () => {
    tidy(() => {
      assert.deepEqual(cells(assigned([[1, 0, 3.25 / 8, 5.75 / 8, 0.3, 0.3]])[0]), ['1: 5, 2', '1: 5, 3', '1: 6, 3']);
      assert.deepEqual(cells(assigned([[0, 0, 3.75 / 8, 5.25 / 8, 0.3, 0.3]])[0]), ['0: 4, 3', '0: 5, 3', '0: 5, 4']);
    });
  });

  test('there are no neighbours outside of the image, and a centre on its far edge is inside', () => {
    tidy(() => {
      assert.deepEqual(cells(assigned([[0, 0, 0.25 / 8, 7.75 / 8, 0.3, 0.3]])[0]), ['0: 7, 0']);
      const [level] = assigned([[0, 0, 1, 0.5, 0.3, 0.3]]);
      assert.ok(cells(level).every((cell) => cell.endsWith(', 7')));
      assert.ok((level.boxes.select(1, 0).toArray() as number[]).every((x) => x === 1));
    });
  });

  test('anchors more than four times larger or smaller than the box do not answer for it', () => {
    tidy(() => {
      const levels = assigned([[0, 0, 0.5, 0.5, 0.7, 0.1]]);
      for (const [index, { anchorSizes, boxes }] of levels.entries()) {
        const ratio = ops.maximum(boxes.slice(1, 2, 4).div(anchorSizes), anchorSizes.div(boxes.slice(1, 2, 4)));
        if (ratio.numel > 0) assert.ok(ratio.max().item() < 4, `level ${index}`);
      }
      assert.deepEqual(new Set(levels[0].anchor.toArray() as number[]), new Set([2]));
    });
  });
});

describe('the loss', () => {
  test('without boxes it is that of objectness alone', () => {
    tidy(() => {
      const raw = outputs(3);
      const { box, classes, objectness, total } = loss(raw, []);
      assert.deepEqual([box.item(), classes.item()], [0, 0]);
      const expected = raw
        .map((level, i) => ops.softplus(level.select(-1, 4)).mean().item() * [4, 1, 0.4][i])
        .reduce((sum, part) => sum + part);
      assert.ok(Math.abs(objectness.item() - expected) < 1e-5);
      assert.ok(Math.abs(total.item() - 2 * expected) < 1e-5);
      total.backward();
      assert.ok(raw.every(({ grad }) => grad?.isFinite().to({ dtype: 'uint8' }).min().item() === 1));
    });
  });

  const one = [[0, 0, 0.4, 0.6, 0.3, 0.3]];

  test('one class is not told apart from nothing', () => {
    tidy(() => assert.equal(loss(outputs(1), one).classes.item(), 0));
  });

  test('smoothing moves the class target towards the middle', () => {
    tidy(() => {
      const raw = outputs(4).map((level) => level.detach().mul(0));
      for (const level of raw) level.slice(-1, 5).fill_(-30).slice(-1, 0, 1).fill_(30);
      assert.ok(loss(raw, one).classes.item() < 1e-6);
      // Each class is 0.1 off where its logit is ±30: 0.1 × 30.
      const smoothed = loss(raw, one, { labelSmoothing: 0.2 }).classes.item();
      const levels = assigned(one).filter(({ image }) => image.numel > 0).length;
      assert.ok(Math.abs(smoothed - levels * 3 * YOLOV5_GAINS.classes) < 1e-4);
    });
  });

  test('objectness can be taught 1 instead of the IoU', () => {
    tidy(() => {
      const raw = outputs(2).map((level) => level.detach().mul(0));
      for (const level of raw) level.select(-1, 4).fill_(30);
      const [byIou, plain] = [1, 0].map((iouInObjectness) => loss(raw, one, { iouInObjectness }).objectness.item());
      assert.ok(byIou > plain);
    });
  });

  test('positives can weigh more, and focal loss plays down what is easy', () => {
    tidy(() => {
      const raw = outputs(2);
      const plain = loss(raw, one);
      const heavy = loss(raw, one, { positiveWeights: { objectness: 2, classes: 3 } });
      assert.ok(heavy.objectness.item() > plain.objectness.item());
      assert.ok(heavy.classes.item() > plain.classes.item());
      const focal = loss(raw, one, { focalGamma: 1.5 });
      assert.ok(focal.objectness.item() < 0.5 * plain.objectness.item());
      assert.equal(focal.box.item(), plain.box.item());
    });
  });

  test('boxes of no area give finite gradients in both versions', () => {
    for (const version of ['5.0', '6.2'] as const) {
      tidy(() => {
        const raw = outputs(2);
        for (const level of raw) level.detach().slice(-1, 2, 4).fill_(-200);
        loss(raw, one, { version }).total.backward();
        assert.ok(raw.every(({ grad }) => grad?.isFinite().to({ dtype: 'uint8' }).min().item() === 1));
      });
    }
  });
});

test('gains follow the number of classes and the size of images', () => {
  assert.deepEqual(scaleYoloV5Gains(YOLOV5_GAINS, { classes: 80, imageSize: 640 }), YOLOV5_GAINS);
  assert.deepEqual(scaleYoloV5Gains(YOLOV5_GAINS, { classes: 20, imageSize: 320, levels: 4 }), {
    box: 0.05 * 0.75,
    objectness: 0.25 * 0.75,
    classes: 0.5 * 0.25 * 0.75,
  });
});

test('complete IoU in pairs is the diagonal of that of all pairs, and finite without area', () => {
  tidy(() => {
    const boxes = [
      [5, 5, 4, 2, 5, 5, 4, 2],
      [5, 5, 4, 2, 6, 5.5, 3, 5],
      [5, 5, 4, 2, 20, 1, 1, 7],
    ];
    const [a, b] = [0, 4].map((column) => tensor(boxes.map((row) => row.slice(column, column + 4))));
    const corners = [a, b].map((each) => convertBoxes(each, 'cxcywh', 'xyxy'));
    const expected = completeBoxIou(corners[0], corners[1]).toArray() as number[][];
    for (const version of ['5.0', '6.2'] as const) {
      const found = pairwiseCompleteIou(a, b, version).toArray() as number[];
      found.forEach((value, i) => {
        assert.ok(Math.abs(value - expected[i][i]) < 1e-5, `${version}: ${value}, ${expected[i][i]}`);
      });
      assert.ok(Math.abs(found[0] - 1) < 1e-6);
      assert.ok(found[2] < 0);
      const nothing = tensor([[3, 3, 0, 0]]);
      assert.ok(Number.isFinite(pairwiseCompleteIou(nothing, nothing, version).item()));
    }
  });
});
