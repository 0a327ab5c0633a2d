import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cat, manualSeed, rand, type Tensor, tidy } from '@fovea/torch';
import { batchedNms } from '../ops/index.ts';
import { boxesOnOriginal } from '../yolov5/index.ts';
import { letterboxGeometry } from './letterbox.ts';
import { plainNonMaxSuppression } from './non-max-suppression.ts';
import { undoLetterbox, yoloDetections } from './yolo-detections.ts';

const floats = (x: Tensor): Float32Array => Float32Array.from(x.contiguous().data() as Float32Array);

/** `[count, 4]` corners in an image of 320 × 320. */
function randomBoxes(count: number): Tensor {
  const corner = rand([count, 2]).mul(280);
  return cat([corner, corner.add(rand([count, 2]).mul(60).add(1))], 1);
}

describe('without the engine the numbers are those of the engine', () => {
  for (const [count, classes, threshold] of [
    [0, 3, 0.5],
    [1, 1, 0.5],
    [700, 3, 0.4],
    [3000, 20, 0.6],
  ]) {
    test(`suppression among ${count} boxes of ${classes} classes`, () =>
      tidy(() => {
        manualSeed(count);
        const [boxes, scores] = [randomBoxes(count), rand([count])];
        const labels = rand([count]).mul(classes).floor().long();
        const expected = batchedNms(boxes, scores, labels, threshold).data() as BigInt64Array;
        const plain = {
          boxes: floats(boxes),
          scores: floats(scores),
          labels: Int32Array.from(labels.data() as BigInt64Array, Number),
        };
        const found = plainNonMaxSuppression(plain, threshold);
        assert.deepEqual(Array.from(found), Array.from(expected, Number));
        assert.deepEqual(plainNonMaxSuppression(plain, threshold, 5), found.subarray(0, 5));
      }));
  }

  test('boxes are back on their image', () =>
    tidy(() => {
      manualSeed(7);
      const boxes = randomBoxes(50);
      const image = { width: 211, height: 127 };
      const placement = letterboxGeometry(image, 320, { auto: false });
      const plain = { boxes: floats(boxes) };
      undoLetterbox(plain, image, placement);
      assert.deepEqual(plain.boxes, floats(boxesOnOriginal(boxes, image, placement)));
    }));
});

test('of many boxes the best 30000 are compared, and of equal scores the first is the better one', () => {
  const cells = 31_000;
  const decoded = new Float32Array(cells * 6);
  for (let i = 0; i < cells; i++) decoded.set([i % 300, 5, 3, 3, 1, i < 1000 ? 0.4 : 0.5], 6 * i);
  const options = { scoreThreshold: 0.1, iouThreshold: 0.999, maxDetections: 400 };
  const { scores } = yoloDetections(decoded, 1, options);
  assert.equal(scores.length, 300);
  assert.ok(scores.every((score) => score === 0.5));
  const equal = {
    boxes: Float32Array.of(0, 0, 9, 9, 0, 0, 9, 9),
    scores: Float32Array.of(0.5, 0.5),
    labels: new Int32Array(2),
  };
  assert.deepEqual(plainNonMaxSuppression(equal, 0.5), Uint32Array.of(0));
});
