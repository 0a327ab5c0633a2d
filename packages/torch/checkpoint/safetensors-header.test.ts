import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CheckpointError, type CheckpointErrorCode } from './checkpoint-error.ts';
import type { RandomAccessFile } from './random-access-file.ts';
import { readRawSafetensors } from './safetensors-file.ts';
import { buildSafetensorsHeader, parseSafetensorsHeader } from './safetensors-header.ts';

const parse = (header: unknown, dataBytes: number) =>
  parseSafetensorsHeader(Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)), dataBytes, 'x.st');

const float = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

function refuses(header: unknown, dataBytes: number, code: CheckpointErrorCode, message: RegExp): void {
  assert.throws(
    () => parse(header, dataBytes),
    (error) => error instanceof CheckpointError && error.code === code && message.test(error.message),
  );
}

test('a header gives names in its order, types, shapes and places', () => {
  const { entries, metadata } = parse(
    { __metadata__: { format: 'pt' }, b: float([2, 3], 8, 32), a: { dtype: 'I64', shape: [], data_offsets: [0, 8] } },
    32,
  );
  assert.deepEqual({ ...metadata }, { format: 'pt' });
  assert.deepEqual(
    [...entries],
    [
      ['b', { dtype: 'float32', shape: [2, 3], begin: 8, end: 32 }],
      ['a', { dtype: 'int64', shape: [], begin: 0, end: 8 }],
    ],
  );
});

test('empty tensors and an empty file are whole', () => {
  assert.equal(parse({ a: float([0, 3], 0, 0), b: float([1], 0, 4), c: float([0], 4, 4) }, 4).entries.size, 3);
  assert.equal(parse({}, 0).entries.size, 0);
});

test('a tensor may have the name of anything in JavaScript', () => {
  const entries = parse(
    `{"__proto__":${JSON.stringify(float([1], 0, 4))},"constructor":${JSON.stringify(float([1], 4, 8))}}`,
    8,
  ).entries;
  assert.deepEqual([...entries.keys()], ['__proto__', 'constructor']);
});

test('each lie of a header is named', () => {
  refuses('{"a":', 0, 'invalid', /x\.st: the header is not JSON/);
  refuses('[]', 0, 'invalid', /not a JSON object/);
  refuses(Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'), 0, 'invalid', /not JSON/);
  refuses({ a: 1 }, 0, 'invalid', /tensor "a": is described by something other than an object/);
  refuses({ a: { ...float([1], 0, 4), extra: 1 } }, 4, 'invalid', /unknown key "extra"/);
  refuses({ a: { shape: [1], data_offsets: [0, 4] } }, 4, 'invalid', /no dtype/);
  refuses({ a: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, 1, 'unsupported', /"F8_E4M3".*F64, F32/);
  refuses({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 1] } }, 1, 'unsupported', /"toString"/);
  refuses({ a: float('1', 0, 4) }, 4, 'invalid', /no list of sizes/);
  refuses({ a: float(new Array(65).fill(1), 0, 4) }, 4, 'invalid', /no list of sizes/);
  for (const shape of [[-1], [1.5], [null], ['1'], [2 ** 53], [2 ** 30, 2 ** 30], [2 ** 52]]) {
    refuses({ a: float(shape, 0, 4) }, 4, 'invalid', /tensor "a": has the impossible shape/);
  }
  for (const [begin, end] of [
    [-4, 0],
    [0, 4.5],
    [0, 1e300],
    ['0', 4],
  ]) {
    refuses({ a: float([1], begin, end) }, 4, 'invalid', /impossible data_offsets/);
  }
  refuses({ a: float([1], 4, 0) }, 4, 'invalid', /takes 4 bytes, but its data_offsets \[4, 0\] span -4 bytes/);
  refuses(
    { a: float([3], 0, 8) },
    8,
    'invalid',
    /F32 of shape \[3\] takes 12 bytes, but its data_offsets \[0, 8\] span 8/,
  );
  refuses(
    { a: float([2], 0, 8), b: float([1], 4, 8) },
    8,
    'invalid',
    /tensor "b": begins at 4, inside of "a", which ends at 8/,
  );
  refuses({ a: float([1], 0, 4), b: float([1], 8, 12) }, 12, 'invalid', /tensor "b": begins at 8, but .* end at 4/);
  refuses({ a: float([1], 0, 4) }, 5, 'invalid', /belong to no tensor: expected 4 bytes .* found 5 bytes/);
  refuses(
    { a: float([1], 0, 4), b: float([2], 4, 12) },
    9,
    'truncated',
    /tensor "b": the file is cut short: expected 12 bytes .* found 9/,
  );
  refuses({ __metadata__: [] }, 0, 'invalid', /__metadata__ is not an object/);
  refuses({ __metadata__: { a: 1 } }, 0, 'invalid', /__metadata__ "a" is not a string/);
});

test('a key that is there twice is found, however it is spelled', () => {
  const entry = JSON.stringify(float([1], 0, 4));
  refuses(`{"a":${entry},"a":${entry}}`, 4, 'invalid', /the key "a" twice/);
  refuses(`{"a":${entry},"\\u0061" : ${entry}}`, 4, 'invalid', /the key "a" twice/);
  refuses(
    '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    4,
    'invalid',
    /the key "dtype" twice/,
  );
});

test('deep nesting and endless strings cost one look', () => {
  refuses('['.repeat(5_000_000), 0, 'invalid', /more than three levels/);
  refuses(`{${'"\\"'.repeat(2_000_000)}`, 0, 'invalid', /not JSON/);
});

test('what is built is aligned to eight bytes, widest elements first, and parses back', () => {
  const tensors = new Map([
    ['odd', { dtype: 'uint8' as const, shape: [3] }],
    ['wide', { dtype: 'int64' as const, shape: [] }],
    ['narrow', { dtype: 'float32' as const, shape: [2, 1] }],
  ]);
  const { bytes, order } = buildSafetensorsHeader(tensors, { epoch: '3' }, 'x.st');
  assert.deepEqual(order, ['wide', 'narrow', 'odd']);
  assert.equal(bytes.length % 8, 0);
  assert.equal(Buffer.from(bytes).readBigUInt64LE(), BigInt(bytes.length - 8));
  const { entries, metadata } = parseSafetensorsHeader(bytes.subarray(8), 19, 'x.st');
  assert.deepEqual([...entries.keys()], ['odd', 'wide', 'narrow']);
  assert.deepEqual(entries.get('odd'), { dtype: 'uint8', shape: [3], begin: 16, end: 19 });
  assert.equal(metadata.epoch, '3');
});

test('a tensor cannot take the name of the metadata', () => {
  const tensors = new Map([['__metadata__', { dtype: 'uint8' as const, shape: [3] }]]);
  assert.throws(() => buildSafetensorsHeader(tensors, {}, 'x.st'), /reserved/);
});

/** A file in memory that must not be asked for more than it has. */
function inMemory(bytes: Uint8Array): RandomAccessFile {
  return {
    path: 'x.st',
    size: bytes.length,
    async read(position, length) {
      assert.ok(position + length <= bytes.length, 'a read beyond the end');
      return bytes.slice(position, position + length);
    },
    async close() {},
  };
}

test('whatever the bytes say: a CheckpointError or tensors within the file', async () => {
  const valid = Buffer.concat([
    buildSafetensorsHeader(
      new Map([
        ['a', { dtype: 'float32', shape: [2] }],
        ['b', { dtype: 'bool', shape: [1] }],
      ]),
      { k: 'v' },
      'x',
    ).bytes,
    new Uint8Array(9),
  ]);
  const edits = fc.array(
    fc.tuple(fc.nat(valid.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"{}[],:019-e. ')))),
    { maxLength: 4 },
  );
  const edited = fc.tuple(edits, fc.nat(valid.length)).map(([changes, cut]) => {
    const copy = new Uint8Array(valid);
    for (const [at, byte] of changes) copy[at] = byte;
    return cut < 10 ? copy.slice(0, copy.length - cut) : copy;
  });
  const nearlyRight = fc.dictionary(
    fc.string({ maxLength: 3 }),
    fc.record({
      dtype: fc.constantFrom('F32', 'I64', 'BOOL', 'F4'),
      shape: fc.array(fc.oneof(fc.nat(3), fc.double(), fc.maxSafeInteger()), { maxLength: 3 }),
      data_offsets: fc.array(fc.oneof(fc.nat(40), fc.maxSafeInteger()), { minLength: 1, maxLength: 3 }),
    }),
  );
  const noise = fc
    .oneof(
      fc.json(),
      nearlyRight.map((header) => JSON.stringify(header)),
    )
    .chain((json) =>
      fc.uint8Array({ maxLength: 16 }).map((data) => {
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
        return new Uint8Array(Buffer.concat([length, Buffer.from(json), data]));
      }),
    );
  await fc.assert(
    fc.asyncProperty(fc.oneof(edited, noise, fc.uint8Array({ maxLength: 64 })), async (bytes) => {
      try {
        const file = await readRawSafetensors(inMemory(bytes));
        for (const [name, { begin, end }] of file.entries)
          assert.equal((await file.read(name)).bytes.length, end - begin);
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test('a header is not believed to be larger than its file, or than 100 MB', async () => {
  const claims = (length: bigint) => {
    const bytes = Buffer.alloc(64, '{');
    bytes.writeBigUInt64LE(length);
    return readRawSafetensors(inMemory(bytes));
  };
  await assert.rejects(claims(57n), /cut short within its header: expected 57 bytes of it, found 56 bytes/);
  await assert.rejects(claims(100_000_001n), /claims a header of 100,000,001 bytes; at most 100,000,000/);
  await assert.rejects(claims(2n ** 64n - 1n), /claims a header of 18,446,744,073,709,551,615 bytes/);
  await assert.rejects(
    readRawSafetensors(inMemory(new Uint8Array(3))),
    /too short.* expected at least 8 bytes, found 3/,
  );
});
