import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { imagesOfClass } from './checks.ts';
import { createRng } from './rng.ts';
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

const labelSet = (rows: string[][]) => rows.map((labels, i) => ({ labels, i }));
const countsOf = (records: readonly { labels: readonly string[] }[]) => imagesOfClass(records);
/** Mean over the labels of how far their share in the part is from their share in all. */
const distance = (records: { labels: string[] }[], part: { labels: string[] }[]) => {
  const [all, inPart] = [countsOf(records), countsOf(part)];
  const differences = [...all].map(([label, n]) =>
    Math.abs((inPart.get(label) ?? 0) / part.length - n / records.length),
  );
  return differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
};

const labelRows = fc.array(fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { maxLength: 4 }), {
  minLength: 2,
  maxLength: 40,
});

test('several labels: every record on one side, none that only training can teach is lost to it', () => {
  fc.assert(
    fc.property(labelRows, fc.double({ min: 0.05, max: 0.95, noNaN: true }), fc.integer(), (rows, fraction, seed) => {
      const records = labelSet(rows);
      const [train, validation] = stratifiedSplit(records, fraction, seed);
      assert.deepEqual(
        [...train, ...validation].sort((a, b) => a.i - b.i),
        records,
      );
      assert.ok(train.length > 0 && validation.length > 0);
      const [all, taught, validated] = [records, train, validation].map(countsOf);
      const single = (labels: readonly string[]) => labels.some((label) => all.get(label) === 1);
      // With nothing to choose but records that have a label of their own, one of them validates all the same.
      if (records.every(({ labels }) => single(labels))) return;
      for (const label of all.keys()) assert.ok(taught.has(label), `${label} is not in the training part`);
      // A label that validation lacks cannot be brought there by one record without taking another from training.
      for (const [label, n] of all) {
        if (n < 2 || validated.has(label)) continue;
        const movable = train.filter(
          ({ labels }) => labels.includes(label) && labels.every((other) => (taught.get(other) ?? 0) > 1),
        );
        assert.deepEqual(movable, [], `${label} could be brought to validation`);
      }
    }),
  );
});

test('several labels: their shares are kept far better than chance keeps them', () => {
  const rng = createRng(3);
  const shares = { sky: 0.5, tree: 0.3, sea: 0.2, dog: 0.06, cat: 0.03, kite: 0.01 };
  const records = labelSet(
    Array.from({ length: 600 }, () =>
      Object.entries(shares).flatMap(([label, share]) => (rng.uniform() < share ? [label] : [])),
    ),
  );
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const ours = seeds.map((seed) => stratifiedSplit(records, 0.2, seed)[1]);
  const chance = seeds.map((seed) =>
    createRng(seed)
      .shuffle([...records])
      .slice(0, 120),
  );
  for (const part of ours) assert.ok(Math.abs(part.length - 120) <= 5, `${part.length} records`);
  const [kept, random] = [ours, chance].map((parts) => mean(parts.map((part) => distance(records, part))));
  assert.ok(kept < random / 4, `${kept} against ${random} by chance`);
  const background = (part: { labels: string[] }[]) => part.filter(({ labels }) => labels.length === 0).length;
  for (const part of ours) assert.ok(Math.abs(background(part) - background(records) / 5) < 2);
});

test('several labels: the seed decides', () => {
  const records = labelSet(Array.from({ length: 40 }, (_, i) => [['a'], ['a', 'b'], ['b', 'c'], []][i % 4]));
  assert.deepEqual(stratifiedSplit(records, 0.2, 5), stratifiedSplit(records, 0.2, 5));
  assert.notDeepEqual(stratifiedSplit(records, 0.2, 5), stratifiedSplit(records, 0.2, 6));
});
