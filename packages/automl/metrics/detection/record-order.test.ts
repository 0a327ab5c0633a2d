import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byFallingScore, groupBy, inGivenOrder } from './record-order.ts';

const score = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, -0, 0.5, 1, -1),
);

test('scores fall, equal ones and both zeros stay in the order they had', () => {
  fc.assert(
    fc.property(fc.array(score), (scores) => {
      const order = inGivenOrder(scores.length).reverse();
      const expected = [...order].sort((a, b) => scores[b] - scores[a]);
      assert.deepEqual([...byFallingScore(scores, order)], expected);
    }),
  );
});

test('records come together by group, in the order they had', () => {
  const { order, start } = groupBy([2, 0, 2, 3, 0], 4, Uint32Array.of(4, 3, 2, 1, 0));
  assert.deepEqual([...order], [4, 1, 2, 0, 3]);
  assert.deepEqual([...start], [0, 2, 2, 4, 5]);
});
