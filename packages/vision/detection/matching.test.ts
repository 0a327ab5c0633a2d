import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, tensor, zeros } from '@fovea/torch';
import { DetectionTransform, matchBoxes, sampleBalanced } from './index.ts';

describe('a balanced sample', () => {
  const labels = tensor([1, 0, 0, -1, 3, 0, 0, 2, 0, -1]);

  test('has at most the wanted share of positives, and negatives fill it up', () => {
    manualSeed(0);
    const { positive, negative } = sampleBalanced(labels, { sizePerImage: 4, positiveFraction: 0.5 });
    assert.equal(positive.size(0), 2);
    assert.equal(negative.size(0), 2);
    assert.ok((positive.toArray() as number[]).every((index) => [0, 4, 7].includes(index)));
    assert.ok((negative.toArray() as number[]).every((index) => [1, 2, 5, 6, 8].includes(index)));
  });

  test('that is larger than what there is holds all that counts', () => {
    const { positive, negative } = sampleBalanced(labels, { sizePerImage: 10_000_000, positiveFraction: 0.25 });
    assert.deepEqual(positive.toArray(), [0, 4, 7]);
    assert.deepEqual(negative.toArray(), [1, 2, 5, 6, 8]);
  });

  test('of nothing is empty', () => {
    const { positive, negative } = sampleBalanced(zeros([0]), { sizePerImage: 4, positiveFraction: 0.5 });
    assert.deepEqual([positive.size(0), negative.size(0)], [0, 0]);
  });
});

describe('the matcher', () => {
  test('refuses thresholds in the wrong order, and nothing to match', () => {
    assert.throws(
      () => matchBoxes(zeros([1, 1]), { high: 0.3, low: 0.5 }),
      /low threshold .* 0.5, is above the high one/,
    );
    assert.throws(() => matchBoxes(zeros([0, 3]), { high: 0.5, low: 0.5 }), /0 true boxes and 3 candidates/);
  });

  test('allows all candidates that tie for the most overlap with a true box', () => {
    const quality = tensor([
      [0.2, 0.2, 0.1],
      [0.0, 0.1, 0.6],
    ]);
    assert.deepEqual(matchBoxes(quality, { high: 0.5, low: 0.4, allowLowQualityMatches: true }).toArray(), [0, 0, 1]);
    assert.deepEqual(matchBoxes(quality, { high: 0.5, low: 0.4 }).toArray(), [-1, -1, 1]);
  });
});

describe('the detection transform', () => {
  test('draws one of several sizes in training and takes the last in evaluation', () => {
    manualSeed(0);
    const transform = new DetectionTransform({ minSize: [32, 48, 64], maxSize: 500, sizeDivisible: 1 });
    const height = (training: boolean): number =>
      transform.apply([zeros([3, 128, 160])], { training }).batch.sizes[0].height;
    assert.equal(height(false), 64);
    const drawn = new Set(Array.from({ length: 40 }, () => height(true)));
    assert.deepEqual(
      [...drawn].sort((a, b) => a - b),
      [32, 48, 64],
    );
  });

  test('refuses sizes that are not positive', () => {
    assert.throws(() => new DetectionTransform({ minSize: [] }), /have to be positive/);
    assert.throws(() => new DetectionTransform({ maxSize: 0 }), /have to be positive/);
  });
});
