import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { memoryUse, nn, setMemoryLimit } from '@fovea/torch';
import { largestFittingBatch, largestUsefulBatch } from './batch-size.ts';
import { PLAIN } from './precision.ts';
import { squaredOutputs } from './trial-steps.ts';

afterEach(() => setMemoryLimit(Infinity));

const network = () => new nn.Sequential(new nn.Conv2d(3, 8, 3, { padding: 1 }), new nn.BatchNorm2d(8), new nn.ReLU());
const options = (model: nn.Module) => ({
  rehearse: squaredOutputs(model, { size: 64, device: 'cpu' }),
  precision: PLAIN,
});

test('batches grow as long as memory suffices, and half as many images fit into half of it', () => {
  const model = network();
  setMemoryLimit(memoryUse().now + (40 << 20));
  const all = largestFittingBatch(model, { ...options(model), most: 1024 });
  setMemoryLimit(memoryUse().now + (20 << 20));
  const half = largestFittingBatch(model, { ...options(model), most: 1024 });
  assert.ok(all >= 16 && all <= 256, `${all}`);
  assert.equal(half, all / 2);
});

test('no more are tried than are wanted, and the model stays as it was', () => {
  const model = network();
  const before = [...model.namedBuffers()].map(([, buffer]) => buffer.toArray());
  assert.equal(largestFittingBatch(model, { ...options(model), most: 8 }), 8);
  assert.deepEqual(
    [...model.namedBuffers()].map(([, buffer]) => buffer.toArray()),
    before,
  );
  assert.ok(model.parameters().every(({ grad }) => grad === null));
});

test('not even two images: the error of the engine', () => {
  const model = network();
  setMemoryLimit(memoryUse().now + 1000);
  assert.throws(() => largestFittingBatch(model, { ...options(model), most: 8 }), { outOfMemory: true });
});

test('a small set is taken in batches that make a dozen steps, though not in tiny ones', () => {
  assert.deepEqual([1, 100, 200, 800, 50_000].map(largestUsefulBatch), [8, 8, 16, 64, 4096]);
});
