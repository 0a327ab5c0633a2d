import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { convertAnnotations } from './convert.ts';
import { readVia } from './read-via.ts';
import { recogniseFormats } from './recognise-format.ts';

const [WIDTH, HEIGHT] = [100, 50];
const png = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

const triangle = { name: 'polygon', all_points_x: [10, 50, 10], all_points_y: [10, 10, 40] };
const region = (shape: object, attributes: object = { class: 'sail' }) => ({
  shape_attributes: shape,
  region_attributes: attributes,
});
const image = (regions: unknown, filename = 'a.png') => ({
  [`${filename}123`]: { filename, size: 123, regions, file_attributes: {} },
});
const told = ({ issues }: Awaited<ReturnType<typeof readVia>>) =>
  issues.map(({ severity, code, line }) => [severity, code, line]);

test('version 1, version 2, a project and CSV say the same', async (t) => {
  const circle = { name: 'circle', cx: 70, cy: 25, r: 10 };
  const box = { name: 'rect', x: 20, y: 10, width: 30, height: 20 };
  const regions = [region(triangle), region(circle), region(box, { class: 'boat' })];
  const quoted = (value: object) => `"${JSON.stringify(value).replaceAll('"', '""')}"`;
  const rows = regions.map(({ shape_attributes: shape, region_attributes: attributes }, i) =>
    ['a.png', 123, '"{}"', regions.length, i, quoted(shape), quoted(attributes)].join(','),
  );
  const columns = 'file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes';
  const files = {
    'one.json': JSON.stringify({ ...image(Object.fromEntries(regions.entries())), ...image({}, 'b.png') }),
    'two.json': JSON.stringify({ ...image(regions), ...image([], 'b.png') }, null, 1),
    'project.json': JSON.stringify({
      _via_settings: {},
      _via_img_metadata: { ...image(regions), ...image([], 'b.png') },
    }),
    'two.csv': [`filename,${columns}`, ...rows, 'b.png,123,"{}",0,0,"{}","{}"'].join('\n'),
    'one.csv': [`#filename,${columns}`, ...rows, 'b.png,123,"{}",0,0,"{}","{}"'].join('\n'),
  };
  const folder = temporaryFolder(t, { ...files, 'a.png': png, 'images/b.png': png });
  for (const name of Object.keys(files)) {
    const path = join(folder, name);
    assert.deepEqual(recogniseFormats(path), ['via'], name);
    const { images, classes, issues, losses } = await readVia(path);
    assert.deepEqual([classes, issues], [['boat', 'sail'], []], name);
    assert.deepEqual(
      losses.list().map(({ code, count }) => [code, count]),
      [['via-round', 1]],
    );
    assert.deepEqual(
      images.map(({ name: file, objects }) => [file, objects.length]),
      [
        ['a.png', 3],
        ['b.png', 0],
      ],
    );
    const [sail, round, boat] = images[0].objects;
    assert.deepEqual(sail, {
      ...{ label: 'sail', box: [0.1, 0.2, 0.5, 0.8], crowd: false },
      polygons: [[0.1, 0.2, 0.5, 0.2, 0.1, 0.8]],
    });
    assert.deepEqual(boat, { label: 'boat', box: [0.2, 0.2, 0.5, 0.6], crowd: false });
    assert.deepEqual(
      round.box.map((value) => Number(value.toFixed(9))),
      [0.6, 0.3, 0.8, 0.7],
    );
  }
});

test('without attributes the class is asked for', async (t) => {
  const folder = temporaryFolder(t, { 'via.json': JSON.stringify(image([region(triangle, {})])), 'a.png': png });
  const unnamed = await readVia(folder);
  assert.deepEqual([unnamed.classes, told(unnamed)], [['object'], [['warning', 'class-unnamed', undefined]]]);
  const named = await convertAnnotations({ input: folder, output: join(folder, 'out'), to: 'coco', label: 'balloon' });
  assert.deepEqual([named.from, named.classes, named.issues], ['via', ['balloon'], []]);
});

test('what is wrong is told with its line, and mended when that is asked for', async (t) => {
  const open = { name: 'polyline', all_points_x: [10, 50, 10], all_points_y: [10, 10, 40] };
  const regions = [
    region(open),
    region({ ...triangle, all_points_x: [10, 150, 10] }),
    region({ name: 'polygon', all_points_x: [10, 50, 50, 10], all_points_y: [10, 40, 10, 40] }),
    region({ name: 'polygon', all_points_x: [10, 50], all_points_y: [10, 40] }),
    region(triangle, {}),
    region(triangle, { class: { a: true, b: true } }),
    region({ name: 'point', cx: 1, cy: 1 }),
    region({ name: 'star' }),
    region({ ...triangle, all_points_y: [1, 2] }),
  ];
  const text = JSON.stringify({ ...image([], 'b.png'), ...image(regions) }, null, 0).replace(
    '"a.png123"',
    '\n"a.png123"',
  );
  const folder = temporaryFolder(t, { 'via.json': text, 'a.png': png, 'b.png': png });
  const read = await readVia(folder);
  assert.deepEqual(told(read), [
    ['error', 'polygon-open', 2],
    ['error', 'polygon-outside', 2],
    ['warning', 'polygon-crosses-itself', 2],
    ['error', 'polygon-too-short', 2],
    ['error', 'label-type', 2],
    ['error', 'label-type', 2],
    ['error', 'shape-type', 2],
    ['error', 'shape-type', 2],
  ]);
  assert.match(read.issues[0].message, /^a\.png, region 1: the outline is open/);
  assert.deepEqual(
    read.losses.list().map(({ code }) => code),
    ['via-points'],
  );
  const mended = await readVia(folder, { repair: true });
  assert.deepEqual(told(mended).slice(0, 4), [
    ['warning', 'polygon-open', 2],
    ['warning', 'polygon-outside', 2],
    ['warning', 'polygon-crosses-itself', 2],
    ['warning', 'polygon-too-short', 2],
  ]);
  assert.deepEqual(
    mended.images[1].objects.map(({ polygons }) => polygons?.length),
    [1, 1, 2],
  );
});

test('several attributes: the one that is called so is the class, the others are not carried over', async (t) => {
  const regions = [region(triangle, { colour: 'red', Type: 'sail', iscrowd: '1' })];
  const folder = temporaryFolder(t, { 'via.json': JSON.stringify(image(regions)), 'a.png': png });
  const { images, losses, issues } = await readVia(folder);
  assert.deepEqual([images[0].objects[0].label, images[0].objects[0].crowd, issues], ['sail', true, []]);
  assert.deepEqual(
    losses.list().map(({ code }) => code),
    ['via-attribute-colour'],
  );
  const unclear = temporaryFolder(t, {
    'via.json': JSON.stringify(image([region(triangle, { a: 'x', b: 'y' })])),
    'a.png': png,
  });
  assert.deepEqual(told(await readVia(unclear)), [['error', 'class-unclear', undefined]]);
});
