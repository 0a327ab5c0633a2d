import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Refusal } from '../refusal.ts';
import { pieceLine } from '../wire/piece.ts';
import type { UploadFile } from '../wire/protocol.ts';
import { writePiece } from './upload-content.ts';
import { usualLimits } from './upload-list.ts';
import { createUploads, uploadedPath } from './uploads.ts';

const hashOf = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const fileOf = (path: string, content: string): UploadFile => ({
  ...{ path, bytes: Buffer.byteLength(content), sha256: hashOf(content) },
});
const piece = (content: string, offset = 0, end = content.length) =>
  pieceLine({ sha256: hashOf(content), offset, bytes: end - offset }) + content.slice(offset, end);
/** A body in chunks that end anywhere. */
const body = (text: string, size = 7) =>
  ReadableStream.from(
    (function* () {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
    })(),
  );

function made(t: TestContext, limits = usualLimits) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-uploads-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, uploads: createUploads({ folder }, limits) };
}

const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

test('files come in pieces of any size, and are put together under their names', async (t) => {
  const { folder, uploads } = made(t);
  const [a, b, empty] = ['the first file', 'another one\nwith lines\n', ''];
  const files = [
    fileOf('set/a.txt', a),
    fileOf('set/deep/er/b', b),
    fileOf('set/copy of a', a),
    fileOf('set/none', empty),
  ];
  const { id, missing } = await uploads.begin(files, 'me');
  assert.equal(missing.length, 3, 'the same content comes once');
  const path = { upload: id, path: 'set', given: 'set/' };
  await assert.rejects(
    uploads.keep(path, async (file) => file),
    refused('UploadIncomplete'),
  );
  await uploads.receive(id, 'me', body(piece(a, 0, 4)));
  const [begun] = (await uploads.progress(id, 'me')).missing.filter(({ have }) => have > 0);
  assert.deepEqual(begun, { sha256: hashOf(a), have: 4 });
  await uploads.receive(id, 'me', body(piece(b) + piece(a, 4) + piece(empty), 1000));
  assert.deepEqual((await uploads.progress(id, 'me')).missing, []);
  const kept = await uploads.keep(path, async (file) => file);
  assert.equal(kept, join(folder, 'datastores', 'workspaceblobstore', 'LocalUpload', id, 'set'));
  assert.equal(readFileSync(join(kept, 'deep', 'er', 'b'), 'utf8'), b);
  assert.equal(readFileSync(join(kept, 'copy of a'), 'utf8'), a);
  assert.equal(await uploads.keep(path, async (file) => file), kept, 'once and for good');
  const seen = await uploads.during(path, async (file) => [file, existsSync(join(file, 'none'))] as const);
  assert.deepEqual([seen[1], existsSync(seen[0])], [true, false], 'for as long as it is needed');
  const again = await uploads.begin([fileOf('other/name', b)], 'you');
  assert.deepEqual(again.missing, [], 'what is there need not come again');
});

test('a list of files that leads elsewhere, contradicts itself or is too much is refused', async (t) => {
  const { folder, uploads } = made(t, { mostFileBytes: 100, mostBytes: 150, mostFiles: 3 });
  const file = fileOf('a', 'a');
  const named = (path: unknown) => [{ ...file, path }];
  const paths = [
    ...['', '/etc/passwd', '../a', 'a/../../b', 'a/./b', 'a//b', 'a/', '.', '..', 'a\\..\\b', 'a\0b', 'a\nb', '\ud800'],
    ...['x'.repeat(256), 'x/'.repeat(600), 7, null, {}, ['a']],
  ];
  for (const path of paths)
    await assert.rejects(uploads.begin(named(path), 'me'), refused('InvalidPath'), JSON.stringify(path));
  for (const list of [undefined, {}, [], 'a', [null], [{ ...file, bytes: -1 }], [{ ...file, bytes: 1.5 }]])
    await assert.rejects(uploads.begin(list, 'me'), Refusal, JSON.stringify(list));
  for (const sha256 of ['', 'x', `${file.sha256}0`, file.sha256.toUpperCase(), '../../../../etc/passwd'])
    await assert.rejects(uploads.begin([{ ...file, sha256 }], 'me'), /sha256 should be/);
  await assert.rejects(uploads.begin([file, file], 'me'), /twice/);
  await assert.rejects(uploads.begin([file, { ...file, path: 'a/b' }], 'me'), /a file and a folder/);
  await assert.rejects(uploads.begin([file, { ...file, path: 'b', bytes: 2 }], 'me'), /two sizes/);
  await assert.rejects(uploads.begin([{ ...file, bytes: 101 }], 'me'), refused('RequestTooLarge'));
  const sized = (bytes: number) => fileOf(`n${bytes}`, 'x'.repeat(bytes));
  await assert.rejects(uploads.begin([sized(80), sized(90)], 'me'), /this server takes at most 150 bytes/);
  await assert.rejects(uploads.begin([1, 2, 3, 4].map(sized), 'me'), /at most 3 files/);
  assert.deepEqual(
    globSync('**/*', { cwd: folder }).filter((path) => /\.json$/.test(path)),
    [],
    'nothing is left of them',
  );
});

test('content that is not of the upload, not what its hash says, or breaks off is not taken', async (t) => {
  const { folder, uploads } = made(t);
  const content = 'what was promised';
  const { id } = await uploads.begin([fileOf('a', content)], 'me');
  const send = (text: string, who = 'me') => uploads.receive(id, who, body(text));
  await assert.rejects(send(piece('something else')), /content of no file/);
  const other = 'x'.repeat(content.length);
  await assert.rejects(send(`${hashOf(content)} 0 ${content.length}\n${other}`), refused('WrongHash'));
  assert.deepEqual((await uploads.progress(id, 'me')).missing, [{ sha256: hashOf(content), have: 0 }]);
  await assert.rejects(send(piece(content, 3)), refused('UploadOffset'));
  await assert.rejects(send(`${hashOf(content)} 0 ${content.length + 1}\n${content}!`), refused('UploadOffset'));
  for (const text of [
    'no piece at all\n',
    'x'.repeat(5000),
    `${hashOf(content)} -1 5\n12345`,
    '\n',
    `${hashOf(content)} 0\n`,
  ])
    await assert.rejects(send(text), Refusal, text.slice(0, 30));
  await assert.rejects(send(piece(content).slice(0, -5)), refused('UploadTruncated'));
  const [{ have }] = (await uploads.progress(id, 'me')).missing;
  assert.equal(have, content.length - 5, 'what came stays');
  const [apart] = (await uploads.progress(id, 'you')).missing;
  assert.equal(apart.have, 0, 'of each person apart');
  await send(piece(content, have));
  assert.equal(
    readFileSync(await uploads.keep({ upload: id, path: 'a', given: 'a' }, async (file) => file), 'utf8'),
    content,
  );
  assert.deepEqual(globSync('uploads/parts/*/*', { cwd: folder }), []);

  for (const path of ['b', '..', 'a/b', '.', 'a/', '../../fovea.db'])
    await assert.rejects(
      uploads.keep({ upload: id, path, given: path }, async (file) => file),
      /is not in the upload/,
    );
  for (const upload of ['x', '../lists', 'f'.repeat(64)])
    await assert.rejects(uploads.progress(upload, 'me'), refused('UploadNotFound'));
  for (const path of [{}, null, { upload: id, path: '../a', given: '' }, { upload: '../x', path: 'a', given: '' }])
    assert.throws(() => uploadedPath(path, 'upload'), Refusal);
});

test('what was left of uploads is removed after a day, and what is used stays', async (t) => {
  const { folder, uploads } = made(t);
  const { id } = await uploads.begin([fileOf('kept', 'kept')], 'me');
  await uploads.receive(id, 'me', body(piece('kept')));
  const kept = await uploads.keep({ upload: id, path: 'kept', given: 'kept' }, async (file) => file);
  const left = await uploads.begin([fileOf('left', 'left'), fileOf('half', 'half of it')], 'me');
  await assert.rejects(uploads.receive(left.id, 'me', body(piece('left') + piece('half of it').slice(0, -3))), Refusal);
  const files = () => globSync('uploads/{lists,parts/me,content/*}/*', { cwd: folder });
  assert.equal(files().length, 2 + 1 + 2);
  const twoDaysAgo = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000);
  for (const path of files()) utimesSync(join(folder, path), twoDaysAgo, twoDaysAgo);
  await createUploads({ folder }, usualLimits).begin([fileOf('new', 'new')], 'me');
  assert.equal(files().length, 1 + 1, 'the list of the new one, and the content that is used');
  assert.equal(readFileSync(kept, 'utf8'), 'kept');
});

test('a disk without room is said before anything is sent, and one that fills up loses nothing else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-small-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  t.after(() => {
    if (isMounted) spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  if (!isMounted) return t.skip('a small file system cannot be mounted here');
  const uploads = createUploads({ folder }, usualLimits);
  await assert.rejects(uploads.begin([fileOf('a', 'a')], 'me'), (error) => {
    assert.ok(error instanceof Refusal);
    assert.match(error.message, /1 MB are to come, and there is room for 0 MB/);
    return error.code === 'InsufficientStorage';
  });
  const content = Buffer.alloc(2 << 20, 'x');
  const file = join(folder, 'part');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'other'), 'other');
  const whole = { sha256: hashOf(content), offset: 0, bytes: content.length };
  const writer = await writePiece(file, whole, content.length, async () => assert.fail('not all has come'));
  await assert.rejects(writer.write(content), { code: 'ENOSPC' });
  await writer.end(false);
  assert.deepEqual([existsSync(file), readFileSync(join(folder, 'other'), 'utf8')], [false, 'other']);
});
