import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classWeights } from './multi-class.ts';
import { positiveWeights } from './multi-label.ts';

const records = (...labels: string[][]) =>
  labels.map((one) => ({ file: 'x', labels: one, source: { file: 'x' }, width: 1, height: 1, bytes: 1 }));

test('weighted_loss: nothing, the root of the balance, the balance', () => {
  const set = records(['a'], ['a'], ['a'], ['b']);
  assert.equal(classWeights(0, ['a', 'b'], set), null);
  assert.deepEqual(classWeights(2, ['a', 'b'], set), [4 / 6, 2]);
  assert.deepEqual(classWeights(1, ['a', 'b'], set), [Math.sqrt(4 / 6), Math.sqrt(2)]);
});

test('of several labels, having and lacking each weigh the same', () => {
  const set = records(['a', 'b'], ['b'], ['b'], []);
  assert.equal(positiveWeights(0, ['a', 'b'], set), null);
  assert.deepEqual(positiveWeights(2, ['a', 'b'], set), [3, 1 / 3]);
  assert.deepEqual(positiveWeights(1, ['a', 'b'], set), [Math.sqrt(3), Math.sqrt(1 / 3)]);
});

test('what no training image has, or all have, weighs 1', () => {
  assert.deepEqual(positiveWeights(2, ['a', 'b'], records(['a'], ['a'])), [1, 1]);
  assert.deepEqual(classWeights(2, ['a', 'b'], records(['a'], ['a'])), [0.5, 1]);
});
