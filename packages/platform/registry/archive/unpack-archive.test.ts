import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type TarMember, tarGzOf, tarOf, type ZipMember, zipOf } from '../../fixtures/packed.ts';
import { Refusal } from '../../refusal.ts';
import { archiveFormat, type UnpackLimits, unpackArchive, unpackLimits } from './unpack-archive.ts';

/** A folder with an archive in it, `out` to unpack it to, and a file beside that nobody may touch. */
function unpacking(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'fovea-archive-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const file = join(root, 'archive');
  const out = join(root, 'out');
  const unpack = async (bytes: Buffer, limits: Partial<UnpackLimits> = {}) => {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    writeFileSync(file, bytes);
    const format = await archiveFormat(file);
    assert.ok(format);
    await unpackArchive(file, format, out, { ...unpackLimits, ...limits });
    return listed(out);
  };
  const refuses = async (bytes: Buffer, message: RegExp, limits?: Partial<UnpackLimits>) => {
    await assert.rejects(unpack(bytes, limits), (error) => {
      assert.ok(error instanceof Refusal, String(error));
      assert.equal(error.code, 'ArchiveRefused');
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(readdirSync(root).sort(), ['archive', 'out'], 'nothing beside the folder');
  };
  return { unpack, refuses, root, out };
}

const listed = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );

/** The same files in all formats. */
async function packed(members: readonly { name: string; data?: string }[]): Promise<[string, Buffer][]> {
  return [
    ['zip', zipOf(members)],
    ['zip64', zipOf(members, { zip64: true })],
    ['tar', await tarOf(members)],
    ['tar.gz', await tarGzOf(members)],
  ];
}

const model = [
  { name: 'm/MLmodel', data: 'flavors: {}\n' },
  { name: 'm/artifacts/größe.json', data: '{}' },
  { name: 'm/empty', data: '' },
];

test('zip, zip64, tar and compressed tar are told by their bytes and give the files that were packed', async (t) => {
  const { unpack } = unpacking(t);
  const files = { 'm/MLmodel': 'flavors: {}\n', 'm/artifacts/größe.json': '{}', 'm/empty': '' };
  for (const [format, bytes] of await packed(model)) assert.deepEqual(await unpack(bytes), files, format);
  assert.deepEqual(await unpack(zipOf(model.map((member) => ({ ...member, method: 0 })))), files, 'not compressed');
});

test('what tar and zip themselves make is unpacked', async (t) => {
  const { unpack, root } = unpacking(t);
  const from = join(root, 'm');
  // The oldest form of tar has room for 100 bytes.
  const long = `${'n'.repeat(70)}/${'n'.repeat(70)}.json`;
  mkdirSync(dirname(join(from, 'artifacts', long)), { recursive: true });
  writeFileSync(join(from, 'artifacts', long), '{}');
  writeFileSync(join(from, 'MLmodel'), 'flavors: {}\n');
  const files = { MLmodel: 'flavors: {}\n', [`artifacts/${long}`]: '{}' };
  for (const form of ['gnu', 'pax', 'ustar']) {
    const bytes = execFileSync('tar', ['-C', from, `--format=${form}`, '-czf', '-', '.']);
    assert.deepEqual(await unpack(bytes), files, form);
  }
  try {
    execFileSync('zip', ['-qr', '-fz', join(root, 'm.zip'), '.'], { cwd: from });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return t.diagnostic('skipped in part: there is no program zip here');
  }
  assert.deepEqual(await unpack(readFileSync(join(root, 'm.zip'))), files);
});

test('what a Mac adds is left out', async (t) => {
  const { unpack } = unpacking(t);
  const members = [...model, { name: '__MACOSX/m/._MLmodel', data: 'x' }, { name: 'm/.DS_Store', data: 'x' }];
  for (const [, bytes] of await packed(members))
    assert.deepEqual(Object.keys(await unpack(bytes)), ['m/MLmodel', 'm/artifacts/größe.json', 'm/empty']);
});

test('names that lead anywhere else, or twice to one place, are refused', async (t) => {
  const { refuses } = unpacking(t);
  const bad: [names: string[], message: RegExp][] = [
    [['../x'], /relative path|leads out/],
    [['a/../../x'], /relative path|leads out/],
    [['..'], /relative path|leads out/],
    [['/etc/x'], /absolute path/],
    [['C:/x'], /absolute path/],
    [['a\\..\\..\\x'], /backslash|invalid characters/],
    [['a\\x'], /backslash|invalid characters/],
    [['a//x'], /empty part/],
    [['a/./x'], /empty part/],
    [[''], /empty part|invalid/i],
    [['a\nx'], /control characters/],
    [['a\u0000x'], /control characters/],
    [['x', 'x'], /stands there twice/],
    [['x', './x'], /stands there twice/],
    [['x', 'x/y'], /as a file and as a folder: x/],
    [['x/y', 'x'], /as a file and as a folder: x/],
    [['x/y', 'X/z'], /differs from "x" by its capital letters/],
    [['MLmodel', 'mlmodel'], /differs from "MLmodel"/],
    [['\u00e9', 'e\u0301'], /accents only/],
    [['n'.repeat(256)], /a part of more than 255 bytes/],
    [['é'.repeat(128)], /a part of more than 255 bytes/],
    [[`${'a/'.repeat(600)}x`], /longer than 1024 bytes/],
    [[`${'a/'.repeat(40)}x`], /more than 32 folders/],
  ];
  for (const [names, message] of bad) {
    const members = [{ name: 'MLmodel-first', data: 'x' }, ...names.map((name) => ({ name, data: 'x' }))];
    for (const [format, bytes] of await packed(members)) {
      // The first tar had names that end at a zero.
      if (format.startsWith('tar') && (names[0] === '' || names[0].includes('\0'))) continue;
      await refuses(bytes, message);
    }
  }
});

test('links, devices and whatever else is neither file nor folder are refused', async (t) => {
  const { refuses, unpack } = unpacking(t);
  const tars: TarMember[] = [
    { name: 'x', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'x', type: 'symlink', linkname: 'inside' },
    { name: 'x', type: 'link', linkname: '../../etc/passwd' },
    { name: 'x', type: 'character-device' },
    { name: 'x', type: 'block-device' },
    { name: 'x', type: 'fifo' },
  ];
  for (const member of tars) {
    await refuses(
      await tarOf([{ name: 'inside', data: 'x' }, member]),
      /"x" is a (symbolic link|hard link|device|pipe)/,
    );
  }
  await refuses(
    await tarOf([{ name: 'x', pax: { 'GNU.sparse.major': '1' }, data: 'x' } as TarMember]),
    /"x" is a sparse file/,
  );
  const modes: [number, RegExp][] = [
    [0o120777, /"x" is a symbolic link/],
    [0o010644, /"x" is a pipe/],
    [0o020644, /"x" is a device/],
    [0o060644, /"x" is a device/],
    [0o140644, /"x" is a socket/],
  ];
  for (const [mode, message] of modes) await refuses(zipOf([{ name: 'x', data: '/etc/passwd', mode }]), message);
  assert.deepEqual(
    await unpack(zipOf([{ name: 'x', data: 'x', mode: 0 }])),
    { x: 'x' },
    'made where there are no modes',
  );
});

test('an archive that unpacks to far more than it is, or to too many files, is refused before it fills the disk', async (t) => {
  const { refuses, unpack, out } = unpacking(t);
  const zeros = Buffer.alloc(4 << 20);
  const small = { freeBytes: 1 << 20 };
  for (const bytes of [zipOf([{ name: 'x', data: zeros }]), await tarGzOf([{ name: 'x', data: zeros }])]) {
    assert.ok(bytes.length < 10_000);
    await refuses(bytes, /more than 100 times its own size/, small);
    assert.deepEqual(listed(out), {}, 'told before it is unpacked');
    await unpack(bytes);
  }
  // Many that are each within bounds.
  const many: ZipMember[] = Array.from({ length: 8 }, (_, i) => ({ name: `${i}`, data: zeros.subarray(0, 1 << 19) }));
  await refuses(zipOf(many), /more than 100 times its own size/, small);
  await refuses(zipOf(model), /more than 0 GiB/, { bytes: 5 });
  await refuses(zipOf(model), /more than 2 files/, { files: 2 });
  await refuses(await tarOf(model), /more than 2 files/, { files: 2 });
  // One that says it is small.
  await refuses(zipOf([{ name: 'x', data: zeros, size: 100 }]), /cannot be read|more than 100 times/, small);
  // Blocks of zeros are no files, and yet take time.
  const hollow = Buffer.concat([await tarOf(model), Buffer.alloc(64 << 20)]);
  await refuses(gzipSync(hollow), /goes on and on/, { ...small, files: 10 });
});

test('what is cut off or damaged is refused wherever it was cut', async (t) => {
  const { refuses } = unpacking(t);
  for (const [format, bytes] of await packed(model)) {
    const ends = format === 'tar' ? [512 + 10, 1024, 1536, bytes.length - 1024, bytes.length - 512] : [];
    for (const end of [...ends, 270, Math.floor(bytes.length / 2), bytes.length - 1]) {
      if (end < bytes.length) await refuses(bytes.subarray(0, end), /cannot be read|cut off/);
    }
  }
  const noise = Buffer.from(Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251));
  const zip = zipOf([{ name: 'weights', data: noise, method: 0 }]);
  zip[100] ^= 1;
  await refuses(zip, /"weights" is damaged/);
  const gz = await tarGzOf([{ name: 'weights', data: noise }]);
  gz[gz.length - 6] ^= 1;
  await refuses(gz, /cannot be read/);
  await refuses(zipOf([{ name: 'weights', data: 'x', size: 5 }]), /cannot be read|should have 5/);
});

test('what is encrypted or packed in another way is told so', async (t) => {
  const { refuses } = unpacking(t);
  await refuses(zipOf([{ name: 'x', data: 'x', flags: 1 }]), /"x" is encrypted; pack it without a password/);
  await refuses(zipOf([{ name: 'x', data: 'x', flags: 0x41 }]), /encrypt/);
  await refuses(zipOf([{ name: 'x', data: 'x', method: 12 }]), /method 12; pack it with deflate/);
});
