import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rand, type Tensor, tensor, tidy, zeros } from '@fovea/torch';
import { letterboxGeometry } from '../transforms/letterbox.ts';
import { yolov5Detections } from './detections.ts';
import { boxesOnOriginal } from './original-boxes.ts';

/** Centre, size, objectness, probabilities of two classes. */
const decoded = (): Tensor =>
  tensor([
    [
      [50, 50, 20, 20, 0.9, 0.8, 0.5],
      [51, 50, 20, 20, 0.9, 0.75, 0.1],
      [51, 50, 20, 20, 0.9, 0.1, 0.7],
      [90, 90, 10, 10, 0.2, 1, 1],
      [10, 10, 10, 10, 0.5, 0.4, 0.3],
    ],
  ]);
const thresholds = { scoreThreshold: 0.25, iouThreshold: 0.45 };
/** Corners, score, class. */
const found = (options = {}): number[][] =>
  tidy(() => {
    const [{ boxes, scores, labels }] = yolov5Detections(decoded(), { ...thresholds, ...options });
    const rounded = (values: Float32Array) => Array.from(values, (value) => Math.round(value * 1e4) / 1e4);
    const [corners, sure] = [rounded(boxes), rounded(scores)];
    return sure.map((score, i) => [...corners.slice(4 * i, 4 * i + 4), score, labels[i]]);
  });

test('of boxes of one class that overlap, the best stays', () => {
  assert.deepEqual(found(), [
    [40, 40, 60, 60, 0.72, 0],
    [41, 40, 61, 60, 0.63, 1],
  ]);
});

test('the threshold is for objectness times probability, and for objectness alone', () => {
  assert.deepEqual(
    found({ scoreThreshold: 0.15 }).map((row) => row[4]),
    [0.72, 0.63, 0.2, 0.2],
  );
  assert.deepEqual(found({ scoreThreshold: 0.72 }), []);
  assert.throws(() => found({ iouThreshold: 45 }), /iouThreshold is 45; it lies between 0 and 1/);
});

test('a box can stand for several classes, for some only, or beside no other of any class', () => {
  const several = found({ multiLabel: true, iouThreshold: 0.95 });
  assert.deepEqual(
    several.map((row) => row.slice(4)),
    [
      [0.72, 0],
      [0.675, 0],
      [0.63, 1],
      [0.45, 1],
    ],
  );
  assert.deepEqual(
    found({ only: [1] }).map((row) => row[5]),
    [1],
  );
  assert.equal(found({ agnostic: true }).length, 1);
  assert.equal(found({ maxDetections: 1 }).length, 1);
});

test('images without anything give nothing, and more boxes than are compared still end', () => {
  tidy(() => {
    const nothing = { boxes: new Float32Array(), scores: new Float32Array(), labels: new Int32Array() };
    assert.deepEqual(yolov5Detections(zeros([2, 4, 7]), thresholds), [nothing, nothing]);
    assert.deepEqual(yolov5Detections(zeros([1, 0, 7]), thresholds), [nothing]);
    const crowd = rand([1, 40_000, 6]).mul(0.5).add(0.5);
    assert.equal(yolov5Detections(crowd, { iouThreshold: 0, scoreThreshold: 0.2 })[0].scores.length, 1);
  });
});

test('boxes go back to where they came from on the original image, and not outside of it', () => {
  tidy(() => {
    const image = { width: 800, height: 500 };
    const placement = letterboxGeometry(image, 640, { auto: false });
    const { ratioX, ratioY, padding } = placement;
    const onCanvas = ([x1, y1, x2, y2]: number[]): number[] => [
      x1 * ratioX + padding.x,
      y1 * ratioY + padding.y,
      x2 * ratioX + padding.x,
      y2 * ratioY + padding.y,
    ];
    const boxes = tensor([
      [...onCanvas([100, 200, 300, 450]), 0.5, 3],
      [...onCanvas([-10, -20, 900, 600]), 0.25, 1],
    ]);
    const [first, second] = boxesOnOriginal(boxes, image, placement).toArray() as number[][];
    assert.deepEqual(
      first.map(Math.fround).map((value) => Math.round(value * 100) / 100),
      [100, 200, 300, 450, 0.5, 3],
    );
    assert.deepEqual(second, [0, 0, 800, 500, 0.25, 1]);
  });
});
