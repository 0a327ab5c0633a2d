import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { readVoc } from './read-voc.ts';

const [WIDTH, HEIGHT] = [6, 4];

/** A PNG with the palette of VOC, of indices row by row. */
function palettePng(indices: readonly number[]): Buffer {
  const chunk = (kind: string, content: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(kind, 'latin1'), content]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const bit = (index: number, place: number) => ((index >> place) & 1) << 7;
  // The first bits of VOC's colours: 1 is dark red, 2 dark green, 3 olive.
  const palette = Array.from({ length: 256 }, (_, i) => [
    bit(i, 0) | (bit(i, 3) >> 1) | (bit(i, 6) >> 2),
    bit(i, 1) | (bit(i, 4) >> 1) | (bit(i, 7) >> 2),
    bit(i, 2) | (bit(i, 5) >> 1),
  ]).flat();
  const lines = Array.from({ length: HEIGHT }, (_, y) => [0, ...indices.slice(y * WIDTH, (y + 1) * WIDTH)]).flat();
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette)),
    chunk('IDAT', deflateSync(Buffer.from(lines))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const png = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();
const object = (name: string) =>
  `<object><name>${name}</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>6</xmax><ymax>4</ymax></bndbox></object>`;
const xml = (...names: string[]) =>
  `<annotation><filename>a.png</filename><segmented>1</segmented>${names.map(object).join('\n')}</annotation>`;

// Objects 1 and 3 (in two pieces), 2 between them, and what nobody is sure of.
const INDICES = [1, 1, 255, 2, 2, 0, 1, 1, 255, 2, 2, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 3];

test('masks of VOC are the outlines of the objects, in the order of the palette', async (t) => {
  const folder = temporaryFolder(t, {
    'Annotations/a.xml': xml('one', 'two', 'three'),
    'JPEGImages/a.png': png,
    'SegmentationObject/a.png': palettePng(INDICES),
  });
  const { images, issues, losses } = await readVoc(folder);
  assert.deepEqual([issues, losses.list()], [[], []]);
  assert.deepEqual(
    images[0].objects.map(({ label, polygons = [] }) => [
      label,
      polygons.map((polygon) => polygon.map((value, i) => Math.round(value * (i % 2 === 0 ? WIDTH : HEIGHT)))),
    ]),
    [
      ['one', [[0, 0, 2, 0, 2, 2, 0, 2]]],
      ['two', [[3, 0, 5, 0, 5, 2, 3, 2]]],
      [
        'three',
        [
          [0, 3, 1, 3, 1, 4, 0, 4],
          [5, 2, 6, 2, 6, 4, 5, 4],
        ],
      ],
    ],
  );
});

test('masks that show another number of objects are left out, and missing ones are told', async (t) => {
  const folder = temporaryFolder(t, {
    'Annotations/a.xml': xml('one', 'two'),
    'Annotations/b.xml': xml('one').replace('a.png', 'b.png'),
    'JPEGImages/a.png': png,
    'JPEGImages/b.png': png,
    'SegmentationObject/a.png': palettePng(INDICES),
  });
  const { images, issues, losses } = await readVoc(folder);
  assert.deepEqual(
    issues.map(({ code, severity, file }) => [severity, code, file]),
    [['warning', 'voc-masks-differ', join(folder, 'Annotations', 'a.xml')]],
  );
  assert.ok(images.every(({ objects }) => objects.every(({ polygons }) => polygons === undefined)));
  assert.deepEqual(
    losses.list().map(({ code, count }) => [code, count]),
    [['voc-masks', 1]],
  );
});
