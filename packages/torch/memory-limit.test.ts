import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { memoryUse, nn, randn, setMemoryLimit, TorchError, tidy, zeros } from './index.ts';

const MIB = 1 << 20;

afterEach(() => setMemoryLimit(Infinity));

test('memory is counted as it is taken and given back', () => {
  const { now: before } = memoryUse({ restart: true });
  const kept = zeros([4 * MIB]); // float32: 16 MiB
  zeros([8 * MIB]).dispose();
  const { now, most } = memoryUse({ restart: true });
  assert.ok(Math.abs(now - before - 16 * MIB) < MIB, `${now - before}`);
  assert.ok(Math.abs(most - before - 48 * MIB) < MIB, `${most - before}`);
  assert.equal(memoryUse().most, memoryUse().now);
  kept.dispose();
  assert.ok(Math.abs(memoryUse().now - before) < MIB);
});

test('what goes beyond the limit fails with a reason, and what is smaller goes on', () => {
  setMemoryLimit(memoryUse().now + 64 * MIB);
  assert.throws(
    () => zeros([32 * MIB]),
    (error) =>
      error instanceof TorchError && error.outOfMemory && /128 MiB more are wanted.*the limit is/.test(error.reason),
  );
  zeros([8 * MIB]).dispose();
});

test('a backward pass that finds no memory ends with an error, and leaves none behind', () => {
  const layers = new nn.Sequential(
    new nn.Conv2d(3, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(16, 16, 3, { padding: 1 }),
  );
  const step = () =>
    tidy(() =>
      layers
        .forward(randn([8, 3, 128, 128]))
        .sum()
        .backward(),
    );
  step();
  layers.zeroGrad();
  const { now } = memoryUse({ restart: true });
  step();
  layers.zeroGrad();
  const needed = memoryUse({ restart: true }).most - now;
  for (const share of [0.3, 0.6, 0.95]) {
    setMemoryLimit(now + needed * share);
    assert.throws(step, { outOfMemory: true });
    layers.zeroGrad();
    assert.ok(memoryUse().now - now < MIB, `${share}: ${memoryUse().now - now} bytes were left`);
  }
  setMemoryLimit(now + needed * 1.05);
  step();
});

test('a limit is a number of bytes', () => {
  for (const wrong of [-1, Number.NaN]) assert.throws(() => setMemoryLimit(wrong), RangeError);
});
