import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchSize } from './batch-size.ts';

const sizeFor = (mostImages: number, longestSeconds = 1e6) => new BatchSize({ mostImages, longestSeconds });

/** Lets batches through a network that needs `seconds` for them, while `waiting` images wait at all times. */
function settled(size: BatchSize, waiting: number, seconds: (images: number) => number, batches = 60): number {
  for (let i = 0; i < batches; i++) {
    const images = size.choose(waiting);
    size.observe(images, seconds(images));
  }
  return size.choose(waiting);
}

test('what gains from batches gets them as large as many wait', () => {
  const small = (images: number) => 1 + 0.1 * images;
  const size = sizeFor(32);
  assert.equal(settled(size, 100, small), 32);
  assert.equal(settled(size, 20, small), 16);
  assert.equal(size.choose(1), 1);
});

test('what gains nothing gets one image at a time, so that none waits for others', () => {
  assert.equal(
    settled(sizeFor(32), 100, (images) => images),
    1,
  );
  assert.equal(
    settled(sizeFor(32), 100, (images) => images * 0.99 + 0.01),
    1,
  );
});

test('the size is one from which on more gain nothing', () => {
  const cached = (images: number) => (images <= 4 ? 1 + 0.2 * images : images);
  assert.equal(settled(sizeFor(32), 100, cached), 4);
});

test('it never waits for more than there are, and a network of one image gets one', () => {
  for (let waiting = 1; waiting < 40; waiting++) assert.ok(sizeFor(32).choose(waiting) <= waiting);
  assert.equal(
    settled(sizeFor(1), 100, () => 1),
    1,
  );
});

test('a first run that was slow is not held against a size, and a machine that changed is measured again', () => {
  const size = sizeFor(32);
  let runs = 0;
  const first = (images: number) => (++runs <= 6 ? 100 : 1 + 0.1 * images);
  assert.equal(settled(size, 100, first), 32);
  assert.equal(
    settled(size, 100, (images) => images ** 1.2, 1000),
    1,
  );
  assert.equal(
    settled(size, 100, (images) => 1 + 0.1 * images, 1000),
    32,
  );
});

test('a batch does not take longer than its first image may wait', () => {
  assert.equal(
    settled(sizeFor(32, 2), 100, (images) => 1 + 0.01 * images),
    1,
  );
  const tried = new Set<number>();
  const noting = (images: number) => {
    tried.add(images);
    return 0.4 + 0.1 * images;
  };
  assert.equal(settled(sizeFor(32, 2), 100, noting), 8);
  assert.deepEqual([...tried], [1, 2, 4, 8]);
});
