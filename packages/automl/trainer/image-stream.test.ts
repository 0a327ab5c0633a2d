import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shuffledBatches } from './image-stream.ts';

test('every image is in an epoch once, in an order of seed and epoch', () => {
  const first = shuffledBatches(10, 4, 1, 0);
  assert.deepEqual(
    first.map((batch) => batch.length),
    [4, 4, 2],
  );
  assert.equal(new Set(first.flat()).size, 10);
  assert.deepEqual(shuffledBatches(10, 4, 1, 0), first);
  assert.notDeepEqual(shuffledBatches(10, 4, 1, 1), first);
  assert.notDeepEqual(shuffledBatches(10, 4, 2, 0), first);
});

test('an image that would be alone in its batch joins the batch before', () => {
  assert.deepEqual(
    shuffledBatches(9, 4, 1, 0).map((batch) => batch.length),
    [4, 5],
  );
  assert.deepEqual(
    shuffledBatches(1, 4, 1, 0).map((batch) => batch.length),
    [1],
  );
});
