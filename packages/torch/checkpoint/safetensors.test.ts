import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tidy } from '../memory.ts';
import { type DType, Tensor } from '../tensor.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { openSafetensors, readSafetensors, writeSafetensors } from './safetensors.ts';

const OFFICIAL = fileURLToPath(new URL('./fixtures/official.safetensors', import.meta.url));

function temporary(t: TestContext, name = 'a.safetensors'): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-safetensors-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

const float32 = (values: number[], shape: number[]): Tensor =>
  Tensor.fromBytes(new Uint8Array(new Float32Array(values).buffer), 'float32', shape);

test("a file of the format's own library reads as it was written", async () => {
  await using file = await openSafetensors(OFFICIAL);
  assert.deepEqual({ ...file.metadata }, { format: 'np' });
  assert.deepEqual(file.info('b.weight'), { dtype: 'float32', shape: [2, 3], bytes: 24 });
  const tensors = await readSafetensors(OFFICIAL);
  assert.deepEqual([...tensors.keys()].sort(), ['a.count', 'b.weight', 'half', 'mask']);
  assert.deepEqual(tensors.get('b.weight')?.toArray(), [
    [0, 1, 2],
    [3, 4, 5],
  ]);
  assert.deepEqual(tensors.get('a.count')?.toArray(), 7);
  assert.deepEqual(tensors.get('mask')?.toArray(), [1, 0, 1]);
  assert.deepEqual(tensors.get('half')?.toArray(), [1.5, -2]);
});

test('every type, and shapes without dimensions or elements, come back bit for bit', async (t) => {
  const path = temporary(t);
  const widths: Record<DType, number> = {
    float64: 8,
    float32: 4,
    float16: 2,
    bfloat16: 2,
    int64: 8,
    int32: 4,
    int16: 2,
    int8: 1,
    uint8: 1,
    bool: 1,
  };
  const given = new Map<string, Tensor>();
  for (const [dtype, width] of Object.entries(widths) as [DType, number][]) {
    const bytes = Uint8Array.from({ length: 3 * width }, (_, i) => (dtype === 'bool' ? i % 2 : 17 * i + 3));
    given.set(`a ${dtype}`, Tensor.fromBytes(bytes, dtype, [3, 1]));
  }
  given.set('scalar', Tensor.fromBytes(new Uint8Array(8).fill(1), 'int64', []));
  given.set('empty', Tensor.fromBytes(new Uint8Array(0), 'float32', [0, 3]));
  given.set('names may be "anything" – 名前\n', float32([1], [1]));
  await writeSafetensors(path, given, { epoch: '3', 'naïve "key"': '{}' });
  await using file = await openSafetensors(path);
  assert.deepEqual({ ...file.metadata }, { epoch: '3', 'naïve "key"': '{}' });
  assert.deepEqual(file.names, [...given.keys()]);
  for (const [name, tensor] of given) {
    const read = await file.read(name);
    assert.equal(read.dtype, tensor.dtype);
    assert.deepEqual(read.shape, tensor.shape);
    assert.deepEqual(read.toBytes(), tensor.toBytes());
  }
});

test('views and other layouts are written row by row', async (t) => {
  const path = temporary(t);
  const rows = float32([0, 1, 2, 3, 4, 5], [2, 3]);
  await writeSafetensors(path, new Map([['columns', rows.transpose(0, 1)]]));
  const tensors = await readSafetensors(path);
  assert.deepEqual(tensors.get('columns')?.toArray(), [
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
});

test('the same tensors give the same bytes', async (t) => {
  const path = temporary(t);
  const tensors = await readSafetensors(OFFICIAL);
  const digests = [];
  for (let i = 0; i < 2; i++) {
    await writeSafetensors(path, tensors, { a: '1' });
    digests.push(createHash('sha256').update(readFileSync(path)).digest('hex'));
  }
  assert.equal(digests[0], digests[1]);
});

test('what was read belongs to the reader alone, and outlives the file', async (t) => {
  const path = temporary(t);
  await writeSafetensors(path, new Map([['a', float32([1, 2], [2])]]));
  const [first, second] = [await readSafetensors(path), await readSafetensors(path)];
  rmSync(path);
  first.get('a')?.add_(10);
  assert.deepEqual(first.get('a')?.toArray(), [11, 12]);
  assert.deepEqual(second.get('a')?.toArray(), [1, 2]);
});

test('a file cut at any byte is refused, with file, tensor and sizes', async (t) => {
  const path = temporary(t);
  await writeSafetensors(path, new Map([['w', float32([1, 2], [2])]]));
  const whole = readFileSync(path);
  for (let length = whole.length - 1; length >= 0; length--) {
    writeFileSync(path, whole.subarray(0, length));
    await assert.rejects(
      readSafetensors(path),
      (error) => error instanceof CheckpointError && error.code === 'truncated',
    );
  }
  writeFileSync(path, whole.subarray(0, whole.length - 3));
  await assert.rejects(
    readSafetensors(path),
    /a\.safetensors: tensor "w": the file is cut short: expected 8 bytes of tensor data as the header says, found 5 bytes\. Copy or download it again/,
  );
});

test('a file that shrinks after it was opened is noticed', async (t) => {
  const path = temporary(t);
  await writeSafetensors(path, new Map([['w', float32([1, 2], [2])]]));
  await using file = await openSafetensors(path);
  truncateSync(path, 20);
  await assert.rejects(file.read('w'), /is cut short/);
});

test('a boolean that is neither 0 nor 1 never reaches the engine', async (t) => {
  const path = temporary(t);
  await writeSafetensors(path, new Map([['flags', Tensor.fromBytes(new Uint8Array([1, 0, 1]), 'bool', [3])]]));
  const bytes = readFileSync(path);
  bytes[bytes.length - 2] = 9;
  writeFileSync(path, bytes);
  await assert.rejects(readSafetensors(path), /tensor "flags": element 1 should be a boolean, 0 or 1, but is 9/);
});

test('what is missing is said by name', async (t) => {
  await assert.rejects(openSafetensors(temporary(t)), /a\.safetensors: there is no such file/);
  await assert.rejects(openSafetensors(tmpdir()), /is not a file/);
  await using file = await openSafetensors(OFFICIAL);
  await assert.rejects(
    file.read('fc.weight'),
    /official\.safetensors: tensor "fc\.weight": the file has no such tensor/,
  );
  assert.throws(() => file.info('toString'), /no such tensor/);
});

test('writing and reading hold one tensor at a time beside those given', { timeout: 60_000 }, async (t) => {
  const path = temporary(t);
  const count = 16;
  const megabytes = 16;
  const one = float32(new Array(megabytes * 250_000).fill(1), [megabytes * 250_000]);
  const before = process.memoryUsage().rss;
  await writeSafetensors(path, new Map(Array.from({ length: count }, (_, i) => [`t${i}`, one])));
  await using file = await openSafetensors(path);
  for (const name of file.names) {
    const tensor = await file.read(name);
    tidy(() => assert.equal(tensor.sum().item(), megabytes * 250_000));
    tensor.dispose();
  }
  const grown = (process.memoryUsage().rss - before) / 1e6;
  assert.ok(grown < (count * megabytes) / 2, `grew by ${grown.toFixed()} MB for ${count} tensors of ${megabytes} MB`);
});
