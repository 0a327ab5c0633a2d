import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import type { ImageRecord } from './dataset.ts';
import { sharp } from './sharp.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { verifyImages } from './verify-images.ts';

const photo = sharp(new URL('./fixtures/img_a.png', import.meta.url).pathname);
const jpeg = await photo.clone().jpeg().toBuffer();
const progressive = await photo.clone().jpeg({ progressive: true }).toBuffer();
const png = await photo.clone().png().toBuffer();
const webp = await photo.clone().webp().toBuffer();

/** A PNG of a size that its data don't have. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    checksum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, checksum]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(10))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const record = (file: string, line: number, size = { width: 0, height: 0 }): ImageRecord => ({
  file,
  labels: ['x'],
  source: { file: 'train.jsonl', line },
  ...size,
  bytes: 1,
});
/** Records of the files of a folder, the lines counted from 1. */
const recordsOf = (folder: string, names: string[]) => names.map((name, i) => record(join(folder, name), i + 1));
const brief = (issues: Awaited<ReturnType<typeof verifyImages>>, folder: string) =>
  issues.map(({ severity, line, message }) => `${line} ${severity}: ${message.replace(`${folder}/`, '')}`);

test('whole images pass, and their sizes are filled in as they are seen upright', async (t) => {
  const turned = await photo.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const files = { 'a.jpg': jpeg, 'b.jpg': progressive, 'c.png': png, 'd.webp': webp, 'e.jpg': turned };
  const folder = temporaryFolder(t, files);
  const records = recordsOf(folder, Object.keys(files));
  const progress: string[] = [];
  assert.deepEqual(await verifyImages(records, { onProgress: (done, total) => progress.push(`${done}/${total}`) }), []);
  assert.deepEqual(
    records.map(({ width, height }) => [width, height]),
    [
      [300, 200],
      [300, 200],
      [300, 200],
      [300, 200],
      [200, 300],
    ],
  );
  assert.deepEqual(progress, ['1/5', '2/5', '3/5', '4/5', '5/5']);
});

test('an image that is cut off anywhere is found', async (t) => {
  const files: Record<string, Uint8Array> = {};
  for (const [name, bytes] of Object.entries({ 'a.jpg': jpeg, 'b.jpg': progressive, 'c.png': png, 'd.webp': webp })) {
    // The last 12 bytes of a PNG are a chunk that says no more than that it ends.
    for (const left of [0.02, 0.3, 0.7, 0.95, 1])
      files[`${left}${name}`] = bytes.subarray(0, Math.floor(bytes.length * left) - (left === 1 ? 20 : 0));
  }
  const folder = temporaryFolder(t, files);
  const issues = await verifyImages(recordsOf(folder, Object.keys(files)));
  assert.deepEqual(
    issues.map(({ code, line }) => [code, line]),
    Object.keys(files).map((_, i) => ['image-damaged', i + 1]),
  );
  assert.match(issues[1].message, /^.*0\.3a\.jpg is cut off \(VipsJpeg: premature end of JPEG image\)$/);
});

test('everything that can be wrong with files is reported at once, each in its words', async (t) => {
  const broken = Buffer.from(jpeg);
  for (let i = 0; i < 2000; i++) broken[Math.floor(jpeg.length / 2) + i] = (i * 37) & 255;
  const stray = Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0, 0, 0]), jpeg.subarray(2)]);
  const files = {
    '01.jpg': jpeg,
    '02.jpg': '',
    '03.jpg': 'this is text, not an image',
    '04.jpg': null,
    '05.jpg': broken,
    '06.jpg': stray,
    '07.png': pngOf(20_000, 20_000),
    '08.bmp': Buffer.concat([Buffer.from('BM'), Buffer.alloc(100)]),
    '09.jpg': '<!DOCTYPE html><title>404</title>',
    '10.jpg': Buffer.alloc(500),
    '11.png': Buffer.concat([png.subarray(0, 3000), Buffer.alloc(500, 7), png.subarray(3500)]),
  };
  const folder = temporaryFolder(t, files);
  execFileSync('mkfifo', [join(folder, 'pipe.jpg')]);
  const records = recordsOf(folder, [...Object.keys(files), 'gone.jpg', 'pipe.jpg']);
  const issues = await verifyImages(records);
  assert.deepEqual(brief(issues, folder), [
    '2 error: 02.jpg is empty (0 bytes)',
    '3 error: 03.jpg is not an image that can be read (it is text)',
    '4 error: 04.jpg is a folder',
    '5 error: 05.jpg is damaged (VipsJpeg: Corrupt JPEG data: premature end of data segment)',
    '6 warning: 06.jpg is readable, but not quite right (VipsJpeg: Corrupt JPEG data: 3 extraneous bytes before marker 0xdb)',
    '7 error: 07.png has 20,000 × 20,000 pixels, more than can be opened (178,956,970)',
    '8 error: 08.bmp is damaged (a BMP header of 0 bytes is of no known kind)',
    '9 error: 09.jpg is not an image that can be read (it is HTML or XML)',
    '10 error: 10.jpg is not an image that can be read',
    '11 error: 11.png is cut off or damaged (vipspng: libpng read error)',
    '12 error: gone.jpg is not there',
    '13 error: pipe.jpg is not a regular file',
  ]);
  assert.deepEqual([records[5].width, records[5].height], [300, 200]);
});

test('a file that may not be read is said to be so', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async (t) => {
  const folder = temporaryFolder(t, { 'a.jpg': jpeg });
  chmodSync(join(folder, 'a.jpg'), 0);
  assert.deepEqual(brief(await verifyImages(recordsOf(folder, ['a.jpg'])), folder), ['1 error: a.jpg may not be read']);
});

test('sizes that image_details has wrong are warned about', async (t) => {
  const folder = temporaryFolder(t, { 'a.jpg': jpeg, 'b.jpg': jpeg, 'c.jpg': jpeg });
  const records = [
    record(join(folder, 'a.jpg'), 1, { width: 300, height: 200 }),
    record(join(folder, 'b.jpg'), 2, { width: 200, height: 300 }),
    record(join(folder, 'c.jpg'), 3, { width: 0, height: 201 }),
  ];
  assert.deepEqual(brief(await verifyImages(records), folder), [
    '2 warning: b.jpg has 300 × 200 pixels, image_details says 200 × 300',
    '3 warning: c.jpg has 300 × 200 pixels, image_details says 300 × 201',
  ]);
  assert.deepEqual([records[1].width, records[1].height], [300, 200]);
});

test('a second run opens only what has changed, and what was wrong', async (t) => {
  const folder = temporaryFolder(t, { 'a.jpg': jpeg, 'b.jpg': jpeg, 'c.jpg': '' });
  const cacheFolder = join(folder, 'cache/deep');
  const verify = async () => {
    const records = recordsOf(folder, ['a.jpg', 'b.jpg', 'c.jpg']);
    const issues = await verifyImages(records, { cacheFolder });
    return [brief(issues, folder).map((text) => text.slice(0, 13)), records[0].width];
  };
  assert.deepEqual(await verify(), [['3 error: c.jp'], 300]);
  // Damage that leaves size and times alone is not seen: proof that the file was not opened.
  const times = new Date(1_700_000_000_000);
  for (const name of ['a.jpg', 'b.jpg']) utimesSync(join(folder, name), times, times);
  await verify();
  writeFileSync(join(folder, 'a.jpg'), Buffer.alloc(jpeg.length));
  utimesSync(join(folder, 'a.jpg'), times, times);
  assert.deepEqual(await verify(), [['3 error: c.jp'], 300]);
  utimesSync(join(folder, 'a.jpg'), times, new Date(1_700_000_001_000));
  assert.deepEqual(await verify(), [['1 error: a.jp', '3 error: c.jp'], 0]);

  copyFileSync(join(folder, 'b.jpg'), join(folder, 'a.jpg'));
  const cache = join(cacheFolder, 'verified-images.json');
  for (const damaged of [
    '',
    '{',
    '[]',
    'null',
    '{"version":"1","images":3}',
    readFileSync(cache, 'utf8').replaceAll(/\d+\]/g, '"x"]'),
  ]) {
    writeFileSync(cache, damaged);
    assert.deepEqual(await verify(), [['3 error: c.jp'], 300], damaged.slice(0, 40));
  }
});

test('a cache that cannot be written is a warning, not the end', async (t) => {
  const folder = temporaryFolder(t, { 'a.jpg': jpeg, cache: 'a file' });
  const [issue] = await verifyImages(recordsOf(folder, ['a.jpg']), { cacheFolder: join(folder, 'cache') });
  assert.deepEqual([issue.severity, issue.code, issue.file], ['warning', 'cache-unwritable', join(folder, 'cache')]);
});

test('it can be stopped', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'x'));
  const names = Array.from({ length: 40 }, (_, i) => `${i}.jpg`);
  for (const name of names) writeFileSync(join(folder, name), jpeg);
  const controller = new AbortController();
  let opened = 0;
  const onProgress = () => {
    opened++;
    controller.abort(new Error('enough'));
  };
  await assert.rejects(verifyImages(recordsOf(folder, names), { signal: controller.signal, onProgress }), /enough/);
  assert.ok(opened < 20, String(opened));
});
