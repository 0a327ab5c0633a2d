import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeDetections, type PlainDetections } from './index.ts';

type Row = [x1: number, y1: number, x2: number, y2: number, score: number, label: number];

const detections = (...rows: Row[]) => ({
  boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
  scores: Float32Array.from(rows, (row) => row[4]),
  labels: Int32Array.from(rows, (row) => row[5]),
});

const rowsOf = ({ boxes, scores, labels }: PlainDetections) =>
  Array.from(scores, (score, i) => [...boxes.subarray(4 * i, 4 * i + 4), Number(score.toFixed(3)), labels[i]]);

const WHOLE = { left: 0, top: 0 };
const OPTIONS = { iouThreshold: 0.25, most: 100 };

test('an object that the image and a tile show is answered once, with the better score', () => {
  const merged = mergeDetections(
    [
      { found: detections([100, 60, 120, 80, 0.5, 0], [0, 0, 9, 9, 0.4, 0]), part: WHOLE },
      { found: detections([1, 11, 21, 31, 0.9, 0]), part: { left: 100, top: 50 } },
    ],
    OPTIONS,
  );
  assert.deepEqual(rowsOf(merged), [
    [101, 61, 121, 81, 0.9, 0],
    [0, 0, 9, 9, 0.4, 0],
  ]);
});

test('another class at the same place stays', () => {
  const found = detections([10, 10, 20, 20, 0.5, 0]);
  const merged = mergeDetections(
    [
      { found, part: WHOLE },
      { found: detections([0, 0, 10, 10, 0.6, 1]), part: { left: 10, top: 10 } },
    ],
    OPTIONS,
  );
  assert.deepEqual(
    rowsOf(merged).map((row) => row[5]),
    [1, 0],
  );
});

test('a box goes at an IoU above the threshold, and stays at it', () => {
  // 4 × 10 and 10 × 10: 40 / 100. Half of one box over the other: 50 / 150.
  const [first, other] = [detections([0, 0, 10, 10, 0.9, 0]), detections([0, 0, 4, 10, 0.8, 0])];
  const count = (iouThreshold: number) =>
    mergeDetections(
      [
        { found: first, part: { left: 5, top: 7 } },
        { found: other, part: { left: 5, top: 7 } },
      ],
      { iouThreshold, most: 9 },
    ).scores.length;
  assert.deepEqual([count(0.39), count(0.4000001), count(0.5)], [1, 2, 2]);
  const quarter = mergeDetections(
    [
      { found: detections([0, 0, 8, 8, 0.9, 0]), part: WHOLE },
      { found: detections([0, 0, 4, 4, 0.8, 0]), part: WHOLE },
    ],
    OPTIONS,
  );
  assert.equal(quarter.scores.length, 2, 'IoU is exactly 0.25');
});

test('of equal scores the earlier part has the better one; the best stay where there are too many', () => {
  const merged = mergeDetections(
    [
      { found: detections([0, 0, 10, 10, 0.5, 0], [50, 50, 60, 60, 0.1, 0]), part: WHOLE },
      { found: detections([0, 0, 10, 11, 0.5, 0], [30, 30, 40, 40, 0.8, 0]), part: WHOLE },
    ],
    { iouThreshold: 0.25, most: 2 },
  );
  assert.deepEqual(rowsOf(merged), [
    [30, 30, 40, 40, 0.8, 0],
    [0, 0, 10, 10, 0.5, 0],
  ]);
});

test('nothing found is nothing', () => {
  assert.equal(mergeDetections([{ found: detections(), part: WHOLE }], OPTIONS).scores.length, 0);
});
