import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rankRegions, rankRegionsFast } from './rank-regions.ts';
import { findSegments, segmentLabels } from './segments.ts';

describe('ranking', () => {
  const attributions = Float64Array.of(5, 5, 1, 1, 3, 3, -2, 0);
  const segments = [[0, 1, 2, 3], [0, 1], [4, 5], [0, 1, 4, 5], []].map((pixels) => Int32Array.from(pixels));

  test('takes the segment of the largest mean, then what others add; what is left comes last, whatever it is worth', () => {
    const { heat, ranks } = rankRegions(attributions, segments, { minPixels: 2 });
    assert.deepEqual([...heat], [5, 5, 1, 1, 3, 3, -1, -1]);
    assert.deepEqual([...ranks], [1, 1, 3, 3, 2, 2, 4, 4]);
    assert.deepEqual([...rankRegions(attributions, segments, { minPixels: 3 }).ranks], [1, 1, 2, 2, 1, 1, 2, 2]);
  });

  test('stops when enough is covered', () => {
    assert.deepEqual(
      [...rankRegions(attributions, segments, { minPixels: 1, coverage: 0.2 }).ranks],
      [1, 1, 2, 2, 2, 2, 2, 2],
    );
  });

  test('in one pass it goes by the means of whole segments', () => {
    const { ranks } = rankRegionsFast(attributions, segments, { minPixels: 2 });
    assert.deepEqual([...ranks], [1, 1, 3, 3, 2, 2, 4, 4]);
    const nested = [
      [0, 6],
      [0, 1, 2],
    ].map((pixels) => Int32Array.from(pixels));
    assert.deepEqual(
      [...rankRegionsFast(attributions, nested, { minPixels: 1 }).heat.subarray(0, 3)],
      [11 / 3, 11 / 3, 11 / 3],
    );
  });

  test('without any segment all pixels are one region', () => {
    for (const rank of [rankRegions, rankRegionsFast]) {
      const { heat, ranks } = rank(attributions, [], { minPixels: 1 });
      assert.ok(ranks.every((value) => value === 1) && heat.every((value) => value === 2));
    }
  });
});

describe('segments', () => {
  /** Left half dark, right half bright, with some noise. */
  const halves = (size: number) => ({
    width: size,
    height: size,
    channels: 3,
    values: Float64Array.from({ length: size * size * 3 }, (_, i) => {
      const x = Math.floor(i / 3) % size;
      return (x < size / 2 ? 0.2 : 0.8) + ((i * 7919) % 97) * 1e-4;
    }),
  });

  for (const size of [96, 300]) {
    test(`of a picture of ${size} pixels cover it, also when it is segmented at another size`, () => {
      const image = halves(size);
      for (const { atWorkingSize, atImageSize } of segmentLabels(image)) {
        assert.equal(atWorkingSize.length, 224 * 224);
        assert.notEqual(atImageSize[size * 2], atImageSize[size * 3 - 1]);
      }
      const covered = new Set(findSegments(image).flatMap((pixels) => [...pixels]));
      assert.equal(covered.size, size * size);
    });
  }

  test('a picture of one colour is one segment', () => {
    const image = { width: 30, height: 20, channels: 3, values: new Float64Array(1800).fill(0.4) };
    for (const pixels of findSegments(image)) assert.equal(pixels.length, 600);
  });
});
