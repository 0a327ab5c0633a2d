import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { IssuesError } from '../issue.ts';
import { maskArea } from '../masks/run-lengths.ts';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { convertAnnotations } from './convert.ts';
import { readMaskImage } from './mask-image.ts';
import { objectMask } from './object-mask.ts';
import { readMasks } from './read-masks.ts';

const [WIDTH, HEIGHT] = [8, 6];

/** A picture of values, row by row as text: `.` is 0. */
async function picture(file: string, rows: string, scale = 1): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const lines = rows.trim().split(/\s+/);
  const values = Uint8Array.from([...lines.join('')].map((sign) => (sign === '.' ? 0 : Number(sign) * scale)));
  const raw = { width: lines[0].length, height: lines.length, channels: 1 } as const;
  await sharp(values, { raw }).toColourspace('b-w').toFile(file);
}

const photo = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

function photos(folder: string, ...names: string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), photo);
  }
}

const RING_AND_DOT = `
........
.111....
.1.1..2.
.111..2.
........
.....1..`;

async function masksIn(t: TestContext, files: Record<string, [rows: string, scale?: number]>, images: string[]) {
  const folder = temporaryFolder(t);
  photos(folder, ...images);
  for (const [name, [rows, scale]] of Object.entries(files)) await picture(join(folder, name), rows, scale);
  return folder;
}

test('values tell objects apart, also where one is in several pieces or has a hole', async (t) => {
  const folder = await masksIn(t, { 'masks/a.png': [RING_AND_DOT] }, ['images/a.png']);
  const { images, classes, issues, losses } = await readMasks(folder, { label: 'nut' });
  assert.deepEqual([issues, classes, losses.list()], [[], ['nut'], []]);
  const [{ objects, ...image }] = images;
  assert.deepEqual([image.name, image.width, image.height], ['a.png', WIDTH, HEIGHT]);
  assert.deepEqual(
    objects.map(({ box, polygons }) => [box.map((value, i) => value * (i % 2 ? HEIGHT : WIDTH)), polygons?.length]),
    [
      [[1, 1, 6, 6], 2],
      [[6, 2, 7, 4], 1],
    ],
  );
  const { masks } = await readMaskImage(join(folder, 'masks/a.png'));
  assert.deepEqual(
    objects.map((object) => objectMask(object, image)),
    [...masks.values()],
  );
});

test('of binary masks every part is an object, and that is said', async (t) => {
  const rows = RING_AND_DOT.replaceAll('2', '1');
  const folder = await masksIn(
    t,
    { 'masks/a_mask.png': [rows, 255], 'masks/b_mask.png': ['.'.repeat(WIDTH).concat('\n').repeat(HEIGHT)] },
    ['images/a.png', 'images/b.png'],
  );
  const { images, issues } = await readMasks(folder);
  assert.deepEqual(
    images.map(({ objects }) => objects.length),
    [3, 0],
  );
  assert.deepEqual(
    issues.map(({ code, severity }) => [severity, code]),
    [
      ['warning', 'masks-binary'],
      ['warning', 'class-unnamed'],
    ],
  );
  assert.equal(images[0].objects[0].label, 'object');
});

test('several pictures for one image are an object each: in a folder of its name, or each image in a folder of its own', async (t) => {
  const one = RING_AND_DOT.replaceAll('2', '.');
  const other = RING_AND_DOT.replaceAll('1', '.');
  const files = { 'masks/a/1.png': [one], 'masks/a/2.png': [other] } satisfies Record<string, [string]>;
  const named = await readMasks(await masksIn(t, files, ['images/a.png']), { label: 'x' });
  assert.deepEqual(
    named.images.map(({ objects }) => objects.length),
    [2],
  );
  const apart = await masksIn(t, { 'p/masks/1.png': [one], 'p/masks/2.png': [other], 'q/masks/1.png': [one] }, [
    'p/images/p.png',
    'q/images/q.png',
  ]);
  const { images, issues } = await readMasks(apart, { label: 'x' });
  assert.deepEqual([images.map(({ objects }) => objects.length), issues], [[2, 1], []]);
});

test('a table pairs images with masks, and says the class and the part', async (t) => {
  const folder = await masksIn(t, { 'm/1.png': [RING_AND_DOT], 'm/2.png': [RING_AND_DOT] }, ['p/a.png', 'p/b.png']);
  writeFileSync(
    join(folder, 'splits.csv'),
    'image,mask,split,label\np/a.png,m/1.png,train,nut\np/b.png,m/2.png,val,bolt\n',
  );
  const done = await convertAnnotations({ input: folder, output: join(folder, 'out'), to: 'coco' });
  assert.deepEqual(
    [done.from, done.parts, done.classes, done.objects],
    ['masks', { train: 1, validation: 1 }, ['bolt', 'nut'], 4],
  );
  const again = await convertAnnotations({ input: join(folder, 'out'), output: join(folder, 'again'), to: 'jsonl' });
  assert.deepEqual([again.objects, again.issues], [4, []]);
});

test('16 bits, grey as colours, and colours are told apart', async (t) => {
  const folder = temporaryFolder(t);
  const deep = Uint16Array.of(0, 300, 65535, 300);
  await sharp(deep, { raw: { width: 4, height: 1, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toFile(join(folder, 'deep.png'));
  assert.deepEqual([...(await readMaskImage(join(folder, 'deep.png'))).masks.keys()], [300, 65535]);
  const colours = Uint8Array.of(0, 0, 0, 7, 7, 7, 1, 0, 2, 7, 7, 7);
  await sharp(colours, { raw: { width: 4, height: 1, channels: 3 } })
    .png()
    .toFile(join(folder, 'colours.png'));
  const { masks } = await readMaskImage(join(folder, 'colours.png'));
  assert.deepEqual(
    [...masks].map(([value, mask]) => [value, maskArea(mask)]),
    [
      [7, 2],
      [65538, 1],
    ],
  );
  await sharp(colours, { raw: { width: 4, height: 1, channels: 3 } })
    .png({ palette: true })
    .toFile(join(folder, 'palette.png'));
  assert.deepEqual([...(await readMaskImage(join(folder, 'palette.png'))).masks.keys()], [7, 65538]);
});

test('what is wrong is told with its file', async (t) => {
  const folder = await masksIn(t, { 'm/small.png': ['11\n11'], 'm/b.jpg': [RING_AND_DOT] }, ['a.png', 'b.png']);
  writeFileSync(join(folder, 'm/torn.png'), photo.subarray(0, 30));
  writeFileSync(
    join(folder, 'masks.csv'),
    'image,mask\na.png,m/small.png\nb.png,m/b.jpg\na.png,m/none.png\nc.png,m/torn.png\n',
  );
  await assert.rejects(
    convertAnnotations({ input: join(folder, 'masks.csv'), output: join(folder, 'out'), to: 'jsonl' }),
    (error) => {
      assert.ok(error instanceof IssuesError);
      const told = error.issues.filter(({ severity }) => severity === 'error').map(({ code, line }) => [code, line]);
      assert.deepEqual(told, [
        ['image-missing', 4],
        ['image-missing', 5],
        ['mask-size', 2],
        ['mask-jpeg', 3],
      ]);
      return true;
    },
  );
});

const shared = process.env.FOVEA_SHARED ?? resolve(fileURLToPath(new URL('../../../../shared', import.meta.url)));
const set = join(shared, 'data', 'penn_fudan');
const reason = existsSync(set) ? false : `${set} is not there`;

test('the masks of real photos come back exactly from their outlines', { skip: reason }, async (t) => {
  const folder = temporaryFolder(t);
  for (const member of ['images', 'masks'])
    spawnSync('tar', ['-xf', join(set, 'data.tar'), '-C', folder, '--wildcards', `${member}/FudanPed0000*`]);
  const { images, issues } = await readMasks(folder, { label: 'pedestrian' });
  assert.deepEqual([images.length, issues], [9, []]);
  for (const image of images) {
    const { masks } = await readMaskImage(join(folder, 'masks', image.name.replace('.jpg', '.png')));
    assert.deepEqual(
      image.objects.map((object) => objectMask(object, image)),
      [...masks.values()],
    );
  }
});
