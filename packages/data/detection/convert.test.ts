import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { IssuesError } from '../issue.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type AnnotationFormat, FORMATS } from './annotated-image.ts';
import { type Conversion, type ConvertOptions, convertAnnotations } from './convert.ts';
import { type ObjectRecord, objectClassesOf } from './object-record.ts';
import { readObjectTable } from './object-table.ts';
import { writeObjectTable } from './write-object-table.ts';

const shared = process.env.FOVEA_SHARED ?? resolve(fileURLToPath(new URL('../../../../shared', import.meta.url)));
const [WIDTH, HEIGHT] = [64, 48];
const png = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

/** The issues that a conversion is refused with. */
async function refusal(options: ConvertOptions): Promise<string[]> {
  try {
    await convertAnnotations(options);
  } catch (error) {
    assert.ok(error instanceof IssuesError, String(error));
    return error.issues.map(
      ({ severity, file, line, message }) => `${severity} ${file.split('/').at(-1)} ${line ?? '-'} ${message}`,
    );
  }
  throw new Error('nothing was refused');
}

const codes = ({ issues }: Conversion) => issues.map(({ code, line }) => [code, line]);
const lost = ({ losses }: Conversion) => Object.fromEntries(losses.map(({ code, count }) => [code, count]));

/** Records of a folder with an MLTable, their images by name. */
async function objectsIn(folder: string, task: 'detection' | 'segmentation' = 'detection') {
  const { dataset, issues } = await readObjectTable(folder, { role: 'validation', task });
  assert.deepEqual(
    issues.filter(({ severity }) => severity === 'error'),
    [],
  );
  return dataset.records;
}

const share = fc.integer({ min: 0, max: 1000 }).map((value) => value / 1000);
const label = fc.constantFrom('can', 'milk bottle', 'Überzug <&"\'>', 'a,b');
const box = fc
  .tuple(share, share, share, share)
  .filter(([a, b, c, d]) => Math.abs(a - c) > 0.05 && Math.abs(b - d) > 0.05)
  .map(([a, b, c, d]) => [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)] as const);
/** A convex outline with the bounds of a box. */
const diamond = ([x1, y1, x2, y2]: readonly number[]) => [
  (x1 + x2) / 2,
  y1,
  x2,
  (y1 + y2) / 2,
  (x1 + x2) / 2,
  y2,
  x1,
  (y1 + y2) / 2,
];

function close(actual: readonly ObjectRecord[], expected: readonly ObjectRecord[]): void {
  const plain = (records: readonly ObjectRecord[]) =>
    new Map(records.map(({ file, objects }) => [file.split('/').at(-1), objects] as const));
  const [got, wanted] = [plain(actual), plain(expected)];
  assert.deepEqual([...got.keys()].sort(), [...wanted.keys()].sort());
  for (const [name, objects] of wanted) {
    const found = got.get(name) ?? [];
    assert.deepEqual(
      found.map((object) => [object.label, object.crowd, object.polygons?.map(({ length }) => length)]),
      objects.map((object) => [object.label, object.crowd, object.polygons?.map(({ length }) => length)]),
    );
    const numbers = (list: typeof objects) =>
      list.flatMap(({ box: corners, polygons }) => [...corners, ...(polygons ?? []).flat()]);
    const values = numbers(found);
    for (const [i, value] of numbers(objects).entries())
      assert.ok(Math.abs(value - values[i]) < 1e-7, `${values[i]} for ${value}`);
  }
}

for (const format of ['coco', 'voc', 'yolo', 'jsonl'] as const) {
  test(`JSONL to ${format} and back is the same within the precision of coordinates`, async (t) => {
    let run = 0;
    const root = temporaryFolder(t);
    const withOutlines = format === 'coco' || format === 'jsonl' ? fc.boolean() : fc.constant(format === 'yolo');
    const object = fc.record({
      label,
      box,
      crowd: format === 'yolo' ? fc.constant(false) : fc.boolean(),
      outlined: withOutlines,
    });
    const sets = fc.array(fc.uniqueArray(object, { maxLength: 4, selector: (one) => one.box.join() }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(sets, async (images) => {
        fc.pre(images.some((objects) => objects.length > 0));
        const folder = join(root, String(run++));
        mkdirSync(join(folder, 'jsonl', 'sub'), { recursive: true });
        const records = images.map((objects, i): ObjectRecord => {
          const file = join(folder, 'jsonl', i % 2 === 0 ? 'sub' : '.', `${i}.png`);
          writeFileSync(file, png);
          return {
            ...{ file, source: { file }, width: WIDTH, height: HEIGHT, bytes: 1 },
            objects: objects.map(({ outlined, ...rest }) => ({
              ...rest,
              ...(outlined && { polygons: [diamond(rest.box)] }),
            })),
          };
        });
        await writeObjectTable(join(folder, 'jsonl'), records);
        const there = await convertAnnotations({
          input: join(folder, 'jsonl'),
          output: join(folder, 'there'),
          to: format,
        });
        const back = await convertAnnotations({
          input: join(folder, 'there'),
          output: join(folder, 'back'),
          to: 'jsonl',
        });
        assert.equal(there.from, 'jsonl');
        assert.equal(back.from, format);
        assert.deepEqual([...there.issues, ...back.issues], []);
        assert.deepEqual(there.losses, []);
        assert.deepEqual(back.classes.toSorted(), objectClassesOf(records));
        const [part] = format === 'yolo' ? ['train'] : [''];
        close(await objectsIn(join(folder, 'back', part)), records);
      }),
      { numRuns: 12 },
    );
  });
}

function cocoFolder(t: TestContext, document: object): string {
  return temporaryFolder(t, {
    'instances_all.json': JSON.stringify(document, null, 1),
    'images/a.png': png,
    'images/b.png': png,
  });
}

const COCO = {
  info: { year: 2026 },
  licenses: [{ id: 1, name: 'CC BY' }],
  images: [
    { id: 7, file_name: 'a.png', width: WIDTH, height: HEIGHT, license: 1 },
    { id: 9, file_name: 'b.png', width: WIDTH, height: HEIGHT },
  ],
  categories: [
    { id: 3, name: 'cat', supercategory: 'animal' },
    { id: 90, name: 'ant' },
  ],
  annotations: [
    {
      id: 1,
      image_id: 7,
      category_id: 90,
      bbox: [16, 12, 32, 24],
      area: 768,
      iscrowd: 0,
      segmentation: [[16, 12, 48, 12, 48, 36, 16, 36]],
    },
    // Columns 0 and 1 but for a hole in row 2 of column 0, as runs of 0 and 1 down the columns.
    {
      id: 2,
      image_id: 7,
      category_id: 3,
      bbox: [0, 0, 2, 48],
      iscrowd: 1,
      segmentation: { size: [HEIGHT, WIDTH], counts: [0, 2, 1, 93, 62 * 48] },
    },
  ],
};

test('COCO: ids with gaps, images without objects, polygons and runs; what JSONL cannot say is counted', async (t) => {
  const folder = cocoFolder(t, COCO);
  const done = await convertAnnotations({ input: folder, output: join(folder, 'out'), to: 'jsonl' });
  assert.deepEqual(done.issues, []);
  assert.deepEqual([done.from, done.images, done.objects, done.parts], ['coco', 2, 2, null]);
  assert.deepEqual(done.classes, ['cat', 'ant']);
  assert.deepEqual(lost(done), {
    ...{ 'coco-info': 1, 'coco-licenses': 1, 'coco-images-license': 1, 'coco-categories-supercategory': 1 },
    ...{ 'coco-annotations-area': 1, 'coco-category-ids': 2, 'coco-rle': 1, 'class-order': 1 },
  });
  const records = await objectsIn(join(folder, 'out'), 'segmentation');
  assert.deepEqual(
    records.map(({ objects }) => objects.length),
    [2, 0],
  );
  assert.deepEqual(records[0].objects[0], {
    label: 'ant',
    box: [0.25, 0.25, 0.75, 0.75],
    polygons: [[0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75]],
    crowd: false,
  });
  const [crowd] = records[0].objects.slice(1);
  assert.equal(crowd.crowd, true);
  // The notch in the left edge is part of the outline.
  assert.deepEqual(
    crowd.polygons?.[0].map((value, i) => value * (i % 2 === 0 ? WIDTH : HEIGHT)),
    [0, 0, 2, 0, 2, 48, 0, 48, 0, 3, 1, 3, 1, 2, 0, 2],
  );
});

test('COCO: what is wrong is told with its line', async (t) => {
  const [image] = COCO.images;
  const [annotation] = COCO.annotations;
  const of = (more: object) => ({ ...annotation, segmentation: undefined, ...more });
  const folder = cocoFolder(t, {
    images: [image, { ...image, file_name: 'b.png' }, { id: 2, file_name: 'gone.png' }],
    categories: COCO.categories,
    annotations: [],
  });
  const told = await refusal({ input: folder, output: join(folder, 'out'), to: 'jsonl' });
  assert.match(told[0], /^error instances_all\.json 10 image id 7 is that of a\.png, too \(line 3\)/);
  assert.match(told[1], /^error instances_all\.json 17 gone\.png is not there/);
  const other = cocoFolder(t, {
    ...COCO,
    annotations: [
      of({ id: 1, image_id: 8 }),
      of({ id: 1, category_id: 4 }),
      of({ id: 3, bbox: [1, 2, 3] }),
      of({ id: 4, bbox: [10, 10, -5, 5] }),
      of({ id: 5, bbox: [10, 10, 500, 5] }),
      of({ id: 6, iscrowd: 2 }),
      of({ id: 7, segmentation: [[1, 2, 3, 4]] }),
      of({ id: 8, segmentation: { size: [HEIGHT, WIDTH], counts: [1, 2] } }),
      of({ id: 9, bbox: [10, 10, 0, 5] }),
    ],
  });
  const messages = (await refusal({ input: other, output: join(other, 'out'), to: 'jsonl' })).map((text) =>
    text.replace(/\S+ (\d+) /, ''),
  );
  const lines = readFileSync(join(other, 'instances_all.json'), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.includes('"annotations"')) + 2;
  assert.deepEqual(messages, [
    'error there is no image with id 8',
    `warning annotation id 1 stands in line ${first} already; both are kept`,
    'error there is no category with id 4',
    'error a.png, "ant": bbox is [1,2,3]',
    'error a.png, "ant": bbox has a negative width (-5)',
    'error a.png, "ant": the box is outside of the image: x + width 510',
    'error a.png, "ant": iscrowd is a number (2)',
    'error a.png, "ant": the polygon has only 2 points',
    'error a.png, "ant": its run lengths are damaged: the runs of the mask make up 3 pixels; a mask of 48 × 64 has 3072',
    'warning a.png, "ant": the box has no area: x 10 = x + width 10',
  ]);
  assert.equal(existsSync(join(other, 'out')), false);
  writeFileSync(join(other, 'instances_all.json'), '{"images": [\n{"id": 1,\n "file_name": }], "categories": []}');
  assert.match(
    (await refusal({ input: other, from: 'coco', output: join(other, 'out'), to: 'voc' }))[0],
    /instances_all\.json 3 not JSON/,
  );
});

const voc = (object: string, more = '') =>
  `<annotation>\n<filename>old name.png</filename>\n<size><width>${WIDTH}</width><height>${HEIGHT}</height><depth>3</depth></size>${more}\n${object}\n</annotation>\n`;
const vocObject = (corners: readonly unknown[], more = '') =>
  `<object><name>cat &amp; dog</name>${more}<bndbox>${['xmin', 'ymin', 'xmax', 'ymax'].map((name, i) => `<${name}>${corners[i]}</${name}>`).join('')}</bndbox></object>`;

test('Pascal VOC: flags, image sets, renamed pictures, boxes without area', async (t) => {
  const flags = '<pose>Left</pose><truncated>1</truncated><difficult>1</difficult><occluded>1</occluded>';
  const folder = temporaryFolder(t, {
    'Annotations/a.xml': voc(`${vocObject([16, 12, 48, 36], flags)}\n${vocObject([5, 6, 5, 6])}`),
    'Annotations/b.xml': voc(''),
    'JPEGImages/a.png': png,
    'JPEGImages/b.png': png,
    'ImageSets/Main/train.txt': 'a\n',
    'ImageSets/Main/val.txt': 'b\n',
    'ImageSets/Main/cat_train.txt': 'a 1\nb -1\n',
  });
  const done = await convertAnnotations({ input: folder, output: join(folder, 'out'), to: 'jsonl' });
  assert.deepEqual(codes(done), [['box-without-area', 5]]);
  assert.deepEqual(lost(done), { truncated: 1, occluded: 1, pose: 1 });
  assert.deepEqual(done.parts, { train: 1, validation: 1 });
  const [record] = await objectsIn(join(folder, 'out', 'train'));
  assert.deepEqual(record.objects, [{ label: 'cat & dog', box: [0.25, 0.25, 0.75, 0.75], crowd: true }]);
  const [empty] = await objectsIn(join(folder, 'out', 'validation'));
  assert.deepEqual(empty.objects, []);
  const same = await convertAnnotations({ input: folder, output: join(folder, 'again'), to: 'voc' });
  assert.deepEqual(same.losses, []);
  const text = readFileSync(join(folder, 'again', 'Annotations', 'a.xml'), 'utf8');
  assert.match(
    text,
    /<name>cat &amp; dog<\/name>\s*<pose>Left<\/pose>\s*<truncated>1<\/truncated>\s*<occluded>1<\/occluded>\s*<difficult>1</,
  );
  assert.equal(readFileSync(join(folder, 'again', 'ImageSets', 'Main', 'val.txt'), 'utf8'), 'b\n');
});

test('Pascal VOC: what is wrong is told with its line', async (t) => {
  const folder = temporaryFolder(t, {
    'a.xml': voc(
      [
        vocObject([16, 12, 8, 36]),
        vocObject([1, 2, 'x', 4]),
        '<object><bndbox/></object>',
        vocObject([1, 2, 90, 4]),
      ].join('\n'),
    ),
    'b.xml': voc('').replace('</size>', ''),
    'c.xml': voc(''),
    'd.xml': voc('').replace(`<width>${WIDTH}`, `<width>${HEIGHT}`).replace(`<height>${HEIGHT}`, `<height>${WIDTH}`),
    'e.xml': '<?xml version="1.0"?><!DOCTYPE annotation [<!ENTITY a SYSTEM "file:///etc/passwd">]><other>&a;</other>',
    ...{ 'a.png': png, 'b.png': png, 'd.png': png, 'e.png': png },
  });
  const told = await refusal({ input: folder, output: join(folder, 'out'), to: 'jsonl' });
  assert.deepEqual(told.slice(0, 4), [
    'error a.xml 4 object 1 ("cat & dog"): the box is right before left: xmin 16 > xmax 8',
    'error a.xml 5 object 2 ("cat & dog"): xmax is a string ("x")',
    'error a.xml 6 object 3: it has no name',
    'error a.xml 7 object 4 ("cat & dog"): the box is outside of the image: xmax 90',
  ]);
  assert.match(told[4], /^error b\.xml \d+ not XML/);
  assert.match(told[5], /^error c\.xml \d+ old name\.png is not there/);
  assert.match(told[6], /^error d\.xml 1 d\.png has 64 × 48 pixels, its annotation says 48 × 64/);
  assert.match(told[7], /^error e\.xml 1 /);
});

test('YOLO: data.yaml, boxes and outlines; what is wrong is told with its line', async (t) => {
  const files = {
    'data.yaml':
      'path: nowhere\ntrain: ../train/images\nval: valid/images\ntest: test/images\nnames:\n  0: cat\n  2: dog\n',
    'train/images/a.png': png,
    'train/images/b.png': png,
    'valid/images/c.png': png,
    'train/labels/a.txt': '2 0.5 0.5 0.5 0.5\n\n0 0.1 0.1 0.5 0.1 0.5 0.5\n',
  };
  const folder = temporaryFolder(t, files);
  const done = await convertAnnotations({ input: folder, output: join(folder, 'out'), to: 'jsonl' });
  assert.deepEqual(
    [done.from, done.parts, done.classes, done.objects],
    ['yolo', { train: 2, validation: 1 }, ['cat', 'dog'], 2],
  );
  const [record] = await objectsIn(join(folder, 'out', 'train'));
  assert.deepEqual(record.objects, [
    { label: 'dog', box: [0.25, 0.25, 0.75, 0.75], crowd: false },
    { label: 'cat', box: [0.1, 0.1, 0.5, 0.5], polygons: [[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]], crowd: false },
  ]);
  const labels = [
    '1 0.5 0.5 0.5 0.5',
    '0 0.5 0.5',
    '0 0.5 0.5 0.5 0.5 0.9',
    '0 a 0.5 0.5 0.5',
    '0 320 240 10 10',
    '0 0.5 0.5 -0.1 0.1',
    '0 0.5 0.5 0 0.1',
  ];
  writeFileSync(join(folder, 'train', 'labels', 'b.txt'), labels.join('\n'));
  assert.deepEqual(await refusal({ input: folder, from: 'yolo', output: join(folder, 'new'), to: 'coco' }), [
    'error b.txt 1 there is no class 1',
    'error b.txt 2 the line has 3 numbers',
    'error b.txt 3 the line has 6 numbers',
    'error b.txt 4 "a" is no number',
    'error b.txt 5 the box is outside of the image: x − width / 2 315',
    'error b.txt 6 the width is negative',
    'warning b.txt 7 the box has no area: x − width / 2 0.5 = x + width / 2 0.5',
  ]);
});

test('what YOLO and VOC cannot say is counted: crowds, outlines, pieces', async (t) => {
  const folder = temporaryFolder(t, { 'a.png': png, 'x/a.png': png });
  const square = (x: number, y: number) => [x, y, x + 0.2, y, x + 0.2, y + 0.2, x, y + 0.2];
  const pieces = [square(0.1, 0.1), square(0.6, 0.6)];
  const of = (name: string, more: object) => ({
    ...{ file: join(folder, name), source: { file: folder }, width: WIDTH, height: HEIGHT, bytes: 1 },
    objects: [{ label: 'can', box: boundsOf(pieces), polygons: pieces, crowd: false, ...more }],
  });
  await writeObjectTable(folder, [of('a.png', {}), of('x/a.png', { crowd: true })]);
  const yolo = await convertAnnotations({ input: folder, from: 'jsonl', output: join(folder, 'yolo'), to: 'yolo' });
  assert.deepEqual(lost(yolo), { pieces: 2, crowd: 1 });
  assert.deepEqual(readdirSync(join(folder, 'yolo', 'labels', 'train')), ['a.txt', 'x_a.txt']);
  // Two squares and the way between them, there and back.
  assert.equal(
    readFileSync(join(folder, 'yolo', 'labels', 'train', 'a.txt'), 'utf8')
      .trim()
      .split(' ').length,
    1 + 2 * (4 + 4 + 2),
  );
  const voc = await convertAnnotations({ input: folder, from: 'jsonl', output: join(folder, 'voc'), to: 'voc' });
  assert.deepEqual(lost(voc), { polygons: 2 });
});

test('splits by shares are seeded and stratified, splits by a table are those of the table', async (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `${i}.png`);
  const folder = temporaryFolder(t, Object.fromEntries(names.map((name) => [`in/${name}`, png])));
  const input = join(folder, 'in');
  const records = names.map(
    (name, i): ObjectRecord => ({
      ...{ file: join(input, name), source: { file: folder }, width: WIDTH, height: HEIGHT, bytes: 1 },
      objects: [{ label: i % 4 === 0 ? 'cat' : 'dog', box: [0.1, 0.1, 0.5, 0.5], crowd: false }],
    }),
  );
  await writeObjectTable(input, records);
  const done = await convertAnnotations({
    input,
    output: join(folder, 'out'),
    to: 'jsonl',
    splits: '0.6,0.2,0.2',
    seed: 3,
  });
  assert.deepEqual(done.parts, { train: 12, validation: 4, test: 4 });
  for (const part of ['validation', 'test'])
    assert.deepEqual(objectClassesOf(await objectsIn(join(folder, 'out', part))), ['cat', 'dog']);
  const rows = names.map((name, i) => `elsewhere/${name},${i < 5 ? 'val' : 'train'}`);
  writeFileSync(join(folder, 'splits.csv'), `image,split\n${rows.join('\n')}\n`);
  const named = await convertAnnotations({
    input,
    output: join(folder, 'named'),
    to: 'jsonl',
    splits: join(folder, 'splits.csv'),
  });
  assert.deepEqual(named.parts, { train: 15, validation: 5 });
  writeFileSync(join(folder, 'splits.csv'), `image,split\n${rows.slice(1).join('\n')}\n`);
  const options = { input, output: join(folder, 'other'), to: 'jsonl' } as const;
  assert.deepEqual(await refusal({ ...options, splits: join(folder, 'splits.csv') }), [
    'error splits.csv - 0.png is not in it',
  ]);
  assert.match((await refusal({ ...options, splits: '0.9,0.9' }))[0], /make up 1/);
  assert.match((await refusal({ ...options, output: join(folder, 'out') }))[0], /there is something in it already/);
  mkdirSync(join(folder, 'nothing'));
  const nothing = await refusal({ ...options, input: join(folder, 'nothing'), output: join(folder, 'new') });
  assert.match(nothing[0], /no annotations in it/);
});

interface RealSet {
  readonly name: string;
  readonly tar: string;
  readonly format: AnnotationFormat;
  readonly expected: { readonly images: number; readonly objects: number; readonly withoutArea: number };
}

const realSets: readonly RealSet[] = [
  { name: 'raccoon', tar: 'data.tar', format: 'voc', expected: { images: 200, objects: 217, withoutArea: 0 } },
  { name: 'bccd', tar: 'data.tar', format: 'voc', expected: { images: 364, objects: 4886, withoutArea: 2 } },
  { name: 'coco200', tar: 'images.tar', format: 'coco', expected: { images: 200, objects: 1457, withoutArea: 0 } },
];

for (const { name, tar, format, expected } of realSets) {
  test(`${name} converts, and comes back the same by way of the other formats`, async (t) => {
    const pack = join(shared, 'data', name);
    if (!existsSync(pack)) return t.skip(`${name} is not in ${shared} (FOVEA_SHARED)`);
    const folder = temporaryFolder(t, { in: null });
    const input = join(folder, 'in');
    assert.equal(spawnSync('tar', ['xf', join(pack, tar), '-C', input]).status, 0);
    for (const file of readdirSync(pack).filter((one) => one.endsWith('.json')))
      writeFileSync(join(input, file), readFileSync(join(pack, file)));
    const splits = format === 'voc' ? join(pack, 'splits.csv') : undefined;
    const done = await convertAnnotations({ input, output: join(folder, 'out'), to: 'jsonl', splits });
    const withoutArea = done.issues.filter(({ code }) => code === 'box-without-area');
    assert.deepEqual({ images: done.images, objects: done.objects, withoutArea: withoutArea.length }, expected);
    assert.equal(done.from, format);
    const records = await objectsIn(join(folder, 'out', 'train'));
    const ways = FORMATS.filter((one) => one === 'coco' || (one === 'voc' && format === 'voc'));
    for (const way of ways) {
      await convertAnnotations({ input: join(folder, 'out'), output: join(folder, way), to: way });
      await convertAnnotations({
        input: join(folder, way),
        from: way,
        output: join(folder, `${way}-back`),
        to: 'jsonl',
      });
      close(await objectsIn(join(folder, `${way}-back`, 'train')), records);
    }
  });
}
