import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Histogram } from './histogram.ts';
import { affine, chooseRange } from './ranges.ts';
import { leastScales, quantiseBias, quantiseWeights } from './weights.ts';

function histogramOf(...lists: ArrayLike<number>[]): Histogram {
  const histogram = new Histogram();
  for (const list of lists) histogram.add(Float32Array.from(list));
  return histogram;
}

/** Middles of equal parts of a normal distribution, so that no chance is in the test (Box and Muller's sine halves). */
const bell = Float32Array.from({ length: 20_000 }, (_, i) => {
  const u = (i + 0.5) / 20_000;
  const v = (i * 0.618033988749895) % 1;
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
});

describe('a histogram', () => {
  test('counts what it is given, however wide it comes to be', () => {
    const histogram = histogramOf([0, 0, 0.5, 1], [-3], [1000, 1000.5, 0]);
    const { middles, counts, width } = histogram.bins();
    assert.deepEqual([histogram.min, histogram.max, histogram.count, histogram.zeros], [-3, 1000.5, 8, 3]);
    assert.equal(
      counts.reduce((sum, n) => sum + n),
      5,
    );
    assert.ok(Number.isInteger(Math.log2(width)));
    const found = Array.from(counts, (n, i) => (n > 0 ? [middles[i], n] : [])).filter(({ length }) => length > 0);
    for (const value of [-3, 0.5, 1, 1000, 1000.5])
      assert.ok(
        found.some(([middle]) => Math.abs(middle - value) <= width / 2),
        String(value),
      );
  });

  test('is the same in whatever order it came to be', () => {
    const once = histogramOf(bell).bins();
    const parts = histogramOf(bell.subarray(15_000), bell.subarray(0, 100), bell.subarray(100, 15_000)).bins();
    assert.deepEqual(once, parts);
  });

  test('takes no value that is not finite', () => {
    assert.throws(() => histogramOf([1, Number.NaN]), /not a number/);
    assert.throws(() => histogramOf([1, Number.POSITIVE_INFINITY]), /not finite/);
  });
});

describe('a range', () => {
  test('by least and greatest is of all values, and of zero', () => {
    assert.deepEqual(chooseRange(histogramOf([2, 5]), 'min-max'), { min: 0, max: 5 });
    assert.deepEqual(chooseRange(histogramOf([-2, 0.25]), 'min-max'), { min: -2, max: 0.25 });
  });

  test('by percentile leaves out what is rare', () => {
    const histogram = histogramOf(bell, [400]);
    const { min, max } = chooseRange(histogram, 'percentile');
    assert.ok(max > 3 && max < 5, String(max));
    assert.ok(min < -3 && min > -5, String(min));
  });

  test('by squared error cuts off what costs less than it saves', () => {
    const quantisationError = (histogram: Histogram, method: 'min-max' | 'mse') => {
      const { scale, zeroPoint } = affine(chooseRange(histogram, method));
      return bell.reduce((sum, value) => {
        const integer = Math.max(0, Math.min(255, Math.round(value / scale) + zeroPoint));
        return sum + (value - scale * (integer - zeroPoint)) ** 2;
      }, 0);
    };
    const histogram = histogramOf(...Array.from({ length: 100 }, () => bell), [40]);
    assert.ok(quantisationError(histogram, 'mse') < 0.2 * quantisationError(histogram, 'min-max'));
    // Without anything rare nearly all of the range is worth its steps.
    const { max } = chooseRange(histogramOf(Float32Array.from({ length: 1000 }, (_, i) => i / 1000)), 'mse');
    assert.ok(max > 0.95, String(max));
  });

  test('of nothing but zeros has a scale too', () => {
    for (const method of ['min-max', 'mse', 'percentile'] as const)
      assert.deepEqual(affine(chooseRange(histogramOf([0, 0]), method)), { scale: 1, zeroPoint: 0 });
  });

  test('has a scale and a zero point by which zero is exact', () => {
    assert.deepEqual(affine({ min: 0, max: 255 }), { scale: 1, zeroPoint: 0 });
    assert.deepEqual(affine({ min: -1, max: 254 }), { scale: 1, zeroPoint: 1 });
    assert.deepEqual(affine({ min: -6.375, max: 6.375 }), { scale: Math.fround(0.05), zeroPoint: 127 });
  });
});

describe('weights', () => {
  const weights = Float32Array.of(1, -2.1, 4, 0.5, 0.25, -0.125);

  test('get a scale for each output', () => {
    const { values, scales } = quantiseWeights(weights, [2, 3], 0);
    assert.deepEqual(scales, Float32Array.of(4 / 127, 0.5 / 127));
    assert.deepEqual([...values], [32, -67, 127, 127, 64, -32]);
  });

  test('whichever axis the outputs are', () => {
    const { values, scales } = quantiseWeights(weights, [3, 2], 1);
    assert.deepEqual(scales, Float32Array.of(4 / 127, Math.fround(2.1) / 127));
    assert.deepEqual([...values], [32, -127, 127, 30, 8, -8]);
  });

  test('of an output without any are zero', () => {
    const { values, scales } = quantiseWeights(new Float32Array(4), [2, 2], 0);
    assert.deepEqual(
      [[...values], [...scales]],
      [
        [0, 0, 0, 0],
        [1, 1],
      ],
    );
  });

  test('have a bias in units of their products with the input, which fits into 32 bits', () => {
    assert.deepEqual([...quantiseBias(Float32Array.of(1, -0.5), 0.5, Float32Array.of(0.25, 0.01))], [8, -100]);
    const bias = Float32Array.of(1e6);
    const { scales } = quantiseWeights(Float32Array.of(1e-9), [1, 1], 0, leastScales(bias, 0.01));
    assert.equal(quantiseBias(bias, 0.01, scales)[0], 2 ** 30);
  });
});
