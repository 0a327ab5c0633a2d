// The command as a process, on real files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';

const main = join(import.meta.dirname, 'main.ts');
let folder: string;

function convert(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'data', 'convert', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, out: stdout, err: stderr };
}

const xml = (object: string) =>
  `<annotation>\n<size><width>64</width><height>48</height></size>\n${object}\n</annotation>\n`;
const object = (xmin: number, xmax: number) =>
  `<object><name>can</name><truncated>1</truncated><bndbox><xmin>${xmin}</xmin><ymin>12</ymin><xmax>${xmax}</xmax><ymax>36</ymax></bndbox></object>`;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-convert-'));
  const image = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  for (const [name, text] of Object.entries({
    good: xml(`${object(16, 48)}\n${object(5, 5)}`),
    bad: xml(object(48, 16)),
  })) {
    mkdirSync(join(folder, name, 'Annotations'), { recursive: true });
    mkdirSync(join(folder, name, 'JPEGImages'));
    writeFileSync(join(folder, name, 'Annotations', 'a.xml'), text);
    writeFileSync(join(folder, name, 'JPEGImages', 'a.png'), image);
  }
});
after(() => rmSync(folder, { recursive: true }));

test('what was converted and what could not be carried is on stdout, what is odd on stderr', () => {
  const { code, out, err } = convert('good', 'boxes');
  assert.equal(code, 0, err);
  assert.match(
    out,
    /^voc → jsonl {2}1 image · 1 object · 1 class\n {2}boxes\n {2}not carried over:\n {4}1 × truncated of objects {2}\(first: good\/Annotations\/a\.xml/,
  );
  assert.match(
    err,
    /good\/Annotations\/a\.xml has 1 warning\n\n {2}line 4 {2}warning: object 2 \("can"\): the box has no area: xmin 5 = xmax 5; left out/,
  );
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'boxes', 'annotations.jsonl'), 'utf8')).label, [
    { label: 'can', topX: 0.25, topY: 0.25, bottomX: 0.75, bottomY: 0.75, isCrowd: false },
  ]);
});

test('the same as JSON, and a format to be queried', () => {
  const { code, out } = convert(
    'good',
    'for-yolo',
    '--from',
    'voc',
    '--to',
    'yolo',
    '-o',
    'json',
    '--only-show-errors',
  );
  assert.equal(code, 0);
  const done = JSON.parse(out);
  assert.deepEqual([done.from, done.to, done.images, done.objects, done.parts], ['voc', 'yolo', 1, 1, null]);
  assert.deepEqual(
    done.losses.map(({ code: kind, count }: { code: string; count: number }) => [kind, count]),
    [['truncated', 1]],
  );
  assert.equal(readFileSync(join(folder, 'for-yolo', 'labels', 'train', 'a.txt'), 'utf8'), '0 0.5 0.5 0.5 0.5\n');
});

test('wrong annotations and wrong words are refused, and nothing is written', () => {
  const bad = convert('bad', 'out');
  assert.equal(bad.code, 1);
  assert.match(bad.err, /line 3 {2}object 1 \("can"\): the box is right before left: xmin 48 > xmax 16/);
  assert.match(convert('good', 'boxes').err, /there is something in it already/);
  assert.match(convert('nowhere', 'out').err, /there is no such file or folder/);
  assert.match(convert('good', 'out', '--to', 'csv').err, /jsonl, coco, voc, yolo/);
  assert.equal(convert('good').code, 2);
  assert.equal(convert('good', 'out', '--seed', 'x').code, 2);
  assert.throws(() => readFileSync(join(folder, 'out', 'MLTable')));
});

test('masks and outlines: --label names their class, --repair mends and says so', async () => {
  const image = { create: { width: 64, height: 48, channels: 3, background: 'teal' } } as const;
  const mask = new Uint8Array(64 * 48).fill(1, 10, 20).fill(2, 30, 40);
  for (const name of ['images', 'masks']) mkdirSync(join(folder, 'cells', name), { recursive: true });
  await sharp(image)
    .png()
    .toFile(join(folder, 'cells', 'images', 'a.png'));
  await sharp(mask, { raw: { width: 64, height: 48, channels: 1 } })
    .png()
    .toFile(join(folder, 'cells', 'masks', 'a.png'));
  const masks = convert('cells', 'outlines', '--label', 'cell');
  assert.equal(masks.code, 0, masks.err);
  assert.match(
    masks.out,
    /^masks → jsonl {2}1 image · 2 objects · 1 class\n {2}outlines\n {2}everything was carried over/,
  );

  const polygon = { name: 'polygon', all_points_x: [10, 90, 10], all_points_y: [10, 10, 40] };
  const via = {
    a: { filename: 'a.png', regions: [{ shape_attributes: polygon, region_attributes: { class: 'sail' } }] },
  };
  writeFileSync(join(folder, 'cells', 'images', 'via.json'), JSON.stringify(via));
  const refused = convert('cells/images/via.json', 'sails');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /line 1 .*region 1: the polygon is outside of the image: x 90 of point 2; .*--repair/);
  const mended = convert('cells/images/via.json', 'sails', '--repair');
  assert.equal(mended.code, 0, mended.err);
  assert.match(mended.err, /warning: a\.png, region 1: the polygon was outside of the image .*repaired: cut off/);
});
