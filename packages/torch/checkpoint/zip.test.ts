import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openPthArchive } from './pth-archive.ts';
import { readTree, tensorReader } from './pth-tensors.ts';
import type { RandomAccessFile } from './random-access-file.ts';
import { openZip } from './zip.ts';

const FIXTURE = readFileSync(new URL('./fixtures/byteorder_little.pth', import.meta.url));
const END = FIXTURE.length - 22;
const DIRECTORY = FIXTURE.readUInt32LE(END + 16);

const inMemory = (bytes: Buffer): RandomAccessFile => ({
  path: 'x.pth',
  size: bytes.length,
  async read(position, length) {
    assert.ok(position >= 0 && position + length <= bytes.length, 'a read outside of the file');
    return new Uint8Array(bytes.subarray(position, position + length));
  },
  async close() {},
});

const edited = (edit: (bytes: Buffer) => void): RandomAccessFile => {
  const copy = Buffer.from(FIXTURE);
  edit(copy);
  return inMemory(copy);
};

/** The same archive with every size and place in zip64 records, as files beyond 4 GB have them. */
function asZip64(): Buffer {
  const parts: Buffer[] = [FIXTURE.subarray(0, DIRECTORY)];
  let count = 0;
  for (let at = DIRECTORY; at < END; count++) {
    const header = Buffer.from(FIXTURE.subarray(at, at + 46));
    const name = FIXTURE.subarray(at + 46, at + 46 + header.readUInt16LE(28));
    const extra = Buffer.alloc(5 + 4 + 24);
    extra.writeUInt16LE(0x7075, 0); // another field comes first
    extra.writeUInt16LE(1, 2);
    extra.writeUInt16LE(1, 5);
    extra.writeUInt16LE(24, 7);
    for (const [i, field] of [24, 20, 42].entries()) {
      extra.writeBigUInt64LE(BigInt(header.readUInt32LE(field)), 9 + 8 * i);
      header.writeUInt32LE(0xffffffff, field);
    }
    at += 46 + name.length + header.readUInt16LE(30) + header.readUInt16LE(32);
    header.writeUInt16LE(extra.length, 30);
    header.writeUInt16LE(0, 32);
    parts.push(header, name, extra);
  }
  const end = parts.reduce((sum, part) => sum + part.length, 0);
  const record = Buffer.alloc(56 + 20 + 22);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(end - DIRECTORY), 40);
  record.writeBigUInt64LE(BigInt(DIRECTORY), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(end), 64);
  record.writeUInt32LE(0x06054b50, 76);
  record.fill(0xff, 84, 96);
  return Buffer.concat([...parts, record]);
}

test('entries are listed and located', async () => {
  const zip = await openZip(inMemory(FIXTURE));
  const entry = zip.entries.get('archive/byteorder');
  assert.ok(entry);
  const content = await zip.locate(entry);
  assert.equal(FIXTURE.toString('latin1', content, content + entry.size), 'little');
});

test('a comment at the end does not hide the directory', async () => {
  const comment = Buffer.from('PK\x05\x06 and more');
  const bytes = Buffer.concat([FIXTURE, comment]);
  bytes.writeUInt16LE(comment.length, END + 20);
  assert.equal((await openZip(inMemory(bytes))).entries.size, 4);
});

test('zip64 archives read the same', async () => {
  const archive = await openPthArchive(inMemory(asZip64()));
  const tree = await readTree(
    archive,
    tensorReader(archive, ({ bytes }) => [...bytes]),
  );
  assert.deepEqual(tree, new Map([['weight', [0, 0, 128, 63, 0, 0, 128, 63]]]));
});

test('a directory that contradicts the file is refused', async () => {
  const refused = (edit: (bytes: Buffer) => void, message: RegExp) => assert.rejects(openZip(edited(edit)), message);
  await refused(
    (bytes) => bytes.writeUInt32LE(DIRECTORY + 1, END + 16),
    /the zip directory \(\d+ bytes at \d+\) reaches over its end/,
  );
  await refused((bytes) => bytes.writeUInt32LE(DIRECTORY - 1, END + 16), /damaged at its byte 0/);
  await refused((bytes) => bytes.writeUInt16LE(5, END + 10), /has 4 entries, but announces 5/);
  await refused((bytes) => bytes.writeUInt16LE(0xffff, DIRECTORY + 28), /damaged at its byte 0/);
  await refused((bytes) => bytes.write('X', END), /the directory at the end is missing/);
  const end = Buffer.from(FIXTURE.subarray(END));
  end.writeUInt16LE(8, 10);
  end.writeUInt32LE(2 * (END - DIRECTORY), 12);
  const doubled = Buffer.concat([FIXTURE.subarray(0, END), FIXTURE.subarray(DIRECTORY, END), end]);
  await assert.rejects(openZip(inMemory(doubled)), /entry "archive\/data\.pkl" is there twice/);
});

test('an entry that is not where, or as long as, the directory says is refused', async () => {
  const locate = async (edit: (bytes: Buffer) => void) => {
    const zip = await openZip(edited(edit));
    for (const entry of zip.entries.values()) await zip.locate(entry);
  };
  await assert.rejects(
    locate((bytes) => bytes.writeUInt32LE(1, DIRECTORY + 42)),
    /entry "archive\/data.pkl" is not where the directory says/,
  );
  await assert.rejects(
    locate((bytes) => bytes.writeUInt32LE(DIRECTORY - 3, DIRECTORY + 42)),
    /begins after the end of the data/,
  );
  const longer = (bytes: Buffer) => {
    bytes.writeUInt32LE(5000, DIRECTORY + 20);
    bytes.writeUInt32LE(5000, DIRECTORY + 24);
  };
  await assert.rejects(locate(longer), /has \d+ bytes, but the directory says 5,000 bytes/);
  await assert.rejects(
    locate((bytes) => bytes.writeUInt32LE(5000, DIRECTORY + 24)),
    /is compressed or encrypted/,
  );
  await assert.rejects(
    locate((bytes) => bytes.writeUInt16LE(1, DIRECTORY + 8)),
    /is compressed or encrypted/,
  );
});
