import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stratifiedSplit } from './split.ts';

const setOf = (sizes: number[]) =>
  sizes.flatMap((size, c) => Array.from({ length: size }, (_, i) => ({ labels: [`class${c}`], i })));
const count = (records: { labels: string[] }[], label: string) =>
  records.filter(({ labels }) => labels[0] === label).length;

test('every record is on one side, classes of two or more on both', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sizes, fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.integer(), (classSizes, fraction, seed) => {
      const records = setOf(classSizes);
      const [train, validation] = stratifiedSplit(records, fraction, seed);
      assert.deepEqual(new Set([...train, ...validation]), new Set(records));
      assert.equal(train.length + validation.length, records.length);
      for (const [c, size] of classSizes.entries()) {
        if (size < 2) continue;
        assert.ok(count(train, `class${c}`) > 0 && count(validation, `class${c}`) > 0);
      }
      if (records.length > 1) assert.ok(train.length > 0 && validation.length > 0);
      // The share is exact unless the least and the most of each class forbid it.
      const least = classSizes.filter((size) => size > 1).length;
      const most = classSizes.reduce((sum, size) => sum + size - 1, 0);
      const wanted = Math.min(Math.max(Math.round(records.length * fraction), least), most);
      if (most > 0) assert.equal(validation.length, wanted);
    }),
  );
});

test('each class keeps its share to within one image when all are large', () => {
  const [, validation] = stratifiedSplit(setOf([50, 30, 21]), 0.2, 1);
  assert.equal(validation.length, 20);
  for (const [c, share] of [10, 6, 4.2].entries()) assert.ok(Math.abs(count(validation, `class${c}`) - share) < 1);
});

test('the seed decides, the order of the records stays', () => {
  const records = setOf([30, 30]);
  assert.deepEqual(stratifiedSplit(records, 0.2, 5), stratifiedSplit(records, 0.2, 5));
  assert.notDeepEqual(stratifiedSplit(records, 0.2, 5), stratifiedSplit(records, 0.2, 6));
  const [train] = stratifiedSplit(records, 0.2, 5);
  assert.deepEqual(
    train,
    records.filter((record) => train.includes(record)),
  );
});

test('shares that are none are refused', () => {
  for (const fraction of [0, 1, -0.1, Number.NaN])
    assert.throws(() => stratifiedSplit(setOf([5]), fraction, 0), RangeError);
});
