import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RandomAccessFile } from './random-access-file.ts';
import { openZip } from './zip.ts';
import { ALIGNMENT, zipWriter } from './zip-writer.ts';

const CONTENTS = new Map([
  ['archive/data.pkl', Buffer.from('pickle')],
  ['archive/data/0', Buffer.alloc(1000, 1)],
  ['archive/data/é', Buffer.from('name beyond ASCII')],
  ['archive/nothing', Buffer.alloc(0)],
]);

async function written(contents: ReadonlyMap<string, Buffer>, options?: { zip64From: number }): Promise<Buffer> {
  const parts: Buffer[] = [];
  const zip = zipWriter(async (bytes) => {
    parts.push(Buffer.from(bytes));
  }, options);
  for (const [name, bytes] of contents) await zip.add(name, bytes);
  await zip.end();
  return Buffer.concat(parts);
}

const inMemory = (bytes: Buffer): RandomAccessFile => ({
  path: 'x.zip',
  size: bytes.length,
  read: async (position, length) => new Uint8Array(bytes.subarray(position, position + length)),
  close: async () => {},
});

async function isReadBack(archive: Buffer, contents: ReadonlyMap<string, Buffer>): Promise<void> {
  const zip = await openZip(inMemory(archive));
  assert.deepEqual([...zip.entries.keys()], [...contents.keys()]);
  for (const [name, bytes] of contents) {
    const entry = zip.entries.get(name);
    assert.ok(entry);
    const position = await zip.locate(entry);
    assert.equal(position % ALIGNMENT, 0, `${name} is aligned`);
    assert.deepEqual(archive.subarray(position, position + entry.size), bytes);
  }
}

test('an archive holds its entries at aligned places, plain or with every number in zip64 fields', async () => {
  await isReadBack(await written(CONTENTS), CONTENTS);
  for (const zip64From of [0, 500, 1100]) await isReadBack(await written(CONTENTS, { zip64From }), CONTENTS);
});

test('more entries than a plain directory can count', async () => {
  const contents = new Map(Array.from({ length: 66_000 }, (_, i) => [`d/${i}`, Buffer.of(i & 0xff)]));
  const zip = await openZip(inMemory(await written(contents)));
  assert.equal(zip.entries.size, 66_000);
});

test('the same entries give the same bytes', async () => {
  assert.deepEqual(await written(CONTENTS), await written(CONTENTS));
});

test("Python's zipfile finds the same contents and right checksums", async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-zip-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = `
import json, sys, zipfile
for path in sys.argv[1:]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        print(json.dumps([[i.filename, i.file_size, archive.read(i).hex()[:8]] for i in archive.infolist()]))`;
  const paths = [join(folder, 'plain.zip'), join(folder, 'zip64.zip')];
  writeFileSync(paths[0], await written(CONTENTS));
  writeFileSync(paths[1], await written(CONTENTS, { zip64From: 0 }));
  const run = spawnSync('python3', ['-c', program, ...paths], { encoding: 'utf8' });
  if (run.error) {
    t.skip('no python3');
    return;
  }
  assert.equal(run.status, 0, run.stderr);
  const expected = [...CONTENTS].map(([name, bytes]) => [name, bytes.length, bytes.toString('hex').slice(0, 8)]);
  for (const line of run.stdout.trim().split('\n')) assert.deepEqual(JSON.parse(line), expected);
});
