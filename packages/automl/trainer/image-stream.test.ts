import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shuffledBatches } from './image-stream.ts';

const records = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    file: `${i}.jpg`,
    labels: ['a'],
    source: { file: 'a' },
    width: 1,
    height: 1,
    bytes: 1,
  }));
const files = (batches: { file: string }[][]) => batches.map((batch) => batch.map(({ file }) => file));

test('every image is in an epoch once, in an order of seed and epoch', () => {
  const first = files(shuffledBatches(records(10), 4, 1, 0));
  assert.deepEqual(
    first.map((batch) => batch.length),
    [4, 4, 2],
  );
  assert.equal(new Set(first.flat()).size, 10);
  assert.deepEqual(files(shuffledBatches(records(10), 4, 1, 0)), first);
  assert.notDeepEqual(files(shuffledBatches(records(10), 4, 1, 1)), first);
  assert.notDeepEqual(files(shuffledBatches(records(10), 4, 2, 0)), first);
});

test('an image that would be alone in its batch joins the batch before', () => {
  assert.deepEqual(
    shuffledBatches(records(9), 4, 1, 0).map((batch) => batch.length),
    [4, 5],
  );
  assert.deepEqual(
    shuffledBatches(records(1), 4, 1, 0).map((batch) => batch.length),
    [1],
  );
});
