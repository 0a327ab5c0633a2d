import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { verifyImages } from '../verify-images.ts';
import type { ObjectTask } from './object-field.ts';
import type { ObjectRecord } from './object-record.ts';
import { splitObjects } from './object-split.ts';
import { readObjectTable } from './object-table.ts';
import { writeObjectTable } from './write-object-table.ts';

const image = new URL('../fixtures/img_a.png', import.meta.url);
const shared = process.env.FOVEA_SHARED ?? resolve(fileURLToPath(new URL('../../../../shared', import.meta.url)));

/** A JSONL file of these labels, each with a picture of its own. */
function tableOf(t: TestContext, labels: readonly unknown[], details: unknown = { width: 100, height: 50 }): string {
  const bytes = readFileSync(image);
  const files = Object.fromEntries(labels.map((_, i) => [`${i}.png`, bytes]));
  const lines = labels.map((label, i) => JSON.stringify({ image_url: `${i}.png`, image_details: details, label }));
  return join(temporaryFolder(t, { ...files, 'train.jsonl': `${lines.join('\n')}\n` }), 'train.jsonl');
}

/** What is said of labels, as `severity line message; hint`. */
async function said(t: TestContext, labels: readonly unknown[], task: ObjectTask = 'detection', details?: unknown) {
  const { issues, dataset } = await readObjectTable(tableOf(t, labels, details), { task, role: 'validation' });
  const texts = issues.map(
    ({ severity, line, message, hint }) => `${severity} ${line} ${message}${hint ? `; ${hint}` : ''}`,
  );
  return { texts, records: dataset.records };
}

const box = (topX: unknown, topY: unknown, bottomX: unknown, bottomY: unknown, more = {}) => ({
  ...{ label: 'can', topX, topY, bottomX, bottomY },
  ...more,
});

test('boxes are read with all that is allowed: several labels, none at all, crowds as word, digit or boolean', async (t) => {
  const crowds = [true, 1, '1', 'true', 'True', false, 0, '0', 'false', undefined];
  const { texts, records } = await said(t, [
    crowds.map((isCrowd, i) => box(0.1, 0.2, 0.5 + i / 100, 0.7, { isCrowd, colour: 'red' })),
    [],
    box('0.1', '0.2', '1', '1.0'),
    [box(0, 0, 1, 1), box(0, 0, 1, 1, { label: 'cat' })],
  ]);
  assert.deepEqual(texts, []);
  assert.deepEqual(
    records[0].objects.map(({ crowd }) => crowd),
    [true, true, true, true, true, false, false, false, false, false],
  );
  assert.deepEqual(records[1].objects, []);
  assert.deepEqual(records[2].objects, [{ label: 'can', box: [0.1, 0.2, 1, 1], crowd: false }]);
  assert.deepEqual(records[0].source.line, 1);
  assert.deepEqual([records[0].width, records[0].height], [100, 50]);
});

test('boxes that cannot be: each is told with its line and what would be right', async (t) => {
  const { texts } = await said(t, [
    [box(0.5, 0.2, 0.1, 0.7)],
    [box(0.1, 0.7, 0.5, 0.2)],
    [box(0.1, 0.2, 1.2, 0.7)],
    [box(10, 20, 50, 40)],
    [box(0.1, null, 'NaN', true)],
    [{ label: 'can', topX: 0.1, topY: 0.2, bottomX: 0.3 }],
    [{ label: 'can', bbox: [1, 2, 3, 4] }],
    [box(0.1, 0.2, 0.5, 0.7, { label: 7 })],
    [box(0.1, 0.2, 0.5, 0.7, { label: '' })],
    [box(0.1, 0.2, 0.5, 0.7, { isCrowd: 'maybe' })],
    'can',
    ['can'],
    7,
  ]);
  assert.deepEqual(
    texts.map((text) => text.replace(/; .*/, '')),
    [
      'error 1 object 1 ("can"): the box is right before left: topX 0.5 > bottomX 0.1',
      'error 2 object 1 ("can"): the box is upside down: topY 0.7 > bottomY 0.2',
      'error 3 object 1 ("can"): the box is outside of the image: bottomX 1.2',
      'error 4 object 1 ("can"): the box is outside of the image: topX 10',
      'error 5 object 1 ("can"): topY is null',
      'error 5 object 1 ("can"): bottomX is a string ("NaN")',
      'error 5 object 1 ("can"): bottomY is a boolean (true)',
      'error 6 object 1 ("can"): bottomY is missing',
      'error 7 object 1 ("can"): it has no box, but bbox',
      'error 8 object 1: label is a number (7)',
      'error 9 object 1 (""): label is empty',
      'error 10 object 1 ("can"): isCrowd is a string ("maybe")',
      'error 11 label is a string ("can")',
      'error 12 object 1: it is a string ("can"), not an object',
      'error 13 label is a number (7)',
    ],
  );
  assert.match(texts[3], /divide by the width, here 10 \/ 100 = 0\.1/);
  assert.match(texts[8], /fovea data convert/);
});

test('boxes without area are left out, those rounded out of the image are clipped, and both are said', async (t) => {
  const { texts, records } = await said(t, [
    [box(0.41, 0.2, 0.41, 0.7), box(0.1, 0.2, 0.5, 0.7)],
    [box(-0.01, 0.2, 1.01, 0.7)],
    [box(-1e-9, 0.2, 1.0000000001, 0.7)],
    [box(0.1, 0.2, 0.5, 0.7), box(0.1, 0.2, 0.5, 0.7)],
    [box(0.1, 0.2, 0.105, 0.7)],
    [box(1.001, 0.2, 1.002, 0.7)],
  ]);
  assert.deepEqual(texts, [
    'warning 1 object 1 ("can"): the box has no area: topX 0.41 = bottomX 0.41; left out',
    'warning 2 object 1 ("can"): the box is a little outside of the image (topX -0.01), clipped',
    'warning 2 object 1 ("can"): the box is a little outside of the image (bottomX 1.01), clipped',
    'warning 4 object 2 ("can"): it is the same as one before it, used once',
    'warning 5 object 1 ("can"): the box is tiny: 0.5 × 25 pixels; no model will find it',
    'warning 6 object 1 ("can"): the box has no area: clipped at the edge of the image, topX 1.001 and bottomX 1.002 are one; left out',
  ]);
  assert.deepEqual(
    records.map(({ objects }) => objects.length),
    [1, 1, 1, 1, 1, 0],
  );
  assert.deepEqual(records[1].objects[0].box, [0, 0.2, 1, 0.7]);
  assert.deepEqual(records[2].objects[0].box, [0, 0.2, 1, 0.7]);
});

const outline = (...polygon: unknown[]) => [{ label: 'can', isCrowd: 0, bbox: 'null', polygon }];

test('outlines are read: several pieces, closed or not, and their box', async (t) => {
  const square = [0.1, 0.2, 0.5, 0.2, 0.5, 0.6, 0.1, 0.6];
  const { texts, records } = await said(
    t,
    [outline(square), outline([...square, 0.1, 0.2], [0.7, 0.7, 0.9, 0.7, 0.8, 0.9])],
    'segmentation',
  );
  assert.deepEqual(texts, []);
  assert.deepEqual(records[0].objects, [{ label: 'can', box: [0.1, 0.2, 0.5, 0.6], polygons: [square], crowd: false }]);
  assert.deepEqual(records[1].objects[0].polygons?.[0], square);
  assert.deepEqual(records[1].objects[0].box, [0.1, 0.2, 0.9, 0.9]);
});

test('outlines that cannot be, and those that are odd', async (t) => {
  const { texts, records } = await said(
    t,
    [
      outline([0.1, 0.2, 0.5, 0.2, 0.5, 0.6, 0.1]),
      outline([0.1, 0.2, 0.5, 0.2]),
      outline([0.1, 0.2], [0.5, 0.2], [0.5, 0.6]),
      outline(0.1, 0.2, 0.5, 0.2, 0.5, 0.6),
      outline([0.1, 0.2, 0.5, 0.2, 60, 0.6]),
      outline([0.1, 0.2, 0.5, null, 0.5, 0.6]),
      outline(),
      [box(0.1, 0.2, 0.5, 0.6)],
      outline([0.1, 0.1, 0.5, 0.5, 0.9, 0.9]),
      outline([0.1, 0.2, 0.5, 0.6, 0.5, 0.2, 0.1, 0.6]),
      outline([0.1, 0.2, 0.101, 0.2, 0.1, 0.21]),
      outline([-0.005, 0.2, 0.5, 0.2, 0.5, 1.01]),
    ],
    'segmentation',
  );
  assert.deepEqual(
    texts.map((text) => text.replace('object 1 ("can"): ', '').replace(/; .*/, '')),
    [
      'error 1 the polygon has an odd number of coordinates (7)',
      'error 2 the polygon has only 2 points',
      'error 3 the polygon has only 1 point',
      'error 3 the polygon has only 1 point',
      'error 3 the polygon has only 1 point',
      'error 4 polygon is a list of numbers',
      'error 5 the polygon is outside of the image: x 60 of point 3',
      'error 6 polygon has null among its numbers',
      'error 7 polygon is an empty list',
      'error 8 polygon is missing',
      'warning 9 the polygon has no area: its points are on one line',
      'warning 10 the polygon crosses itself: the line from point 1 to 2 and that from point 3 to 4',
      'warning 11 the polygon is tiny: 0.025 pixels',
      'warning 12 the polygon is a little outside of the image (2 of its coordinates), clipped',
    ],
  );
  assert.deepEqual(
    records.map(({ source, objects }) => [source.line, objects.length]),
    [
      [9, 0],
      [10, 1],
      [11, 1],
      [12, 1],
    ],
  );
});

test('for detection an object without a box has that of its outline', async (t) => {
  const { texts, records } = await said(t, [outline([0.1, 0.2, 0.5, 0.2, 0.5, 0.6])]);
  assert.deepEqual(texts, []);
  assert.deepEqual(records[0].objects[0].box, [0.1, 0.2, 0.5, 0.6]);
});

test('an image twice, a class that training has not, sets with nothing to learn', async (t) => {
  const path = tableOf(t, [[box(0.1, 0.2, 0.5, 0.7)], [box(0, 0, 1, 1, { label: 'cna' })]]);
  const [first, second] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const again = first.replace('0.7', '0.8');
  writeFileSync(path, `${first}\n${first}\n${again}\n${second}\n`);
  const { issues } = await readObjectTable(path, { role: 'validation' });
  assert.deepEqual(
    issues.map(({ severity, line, code }) => [severity, line, code]),
    [
      ['warning', 2, 'image-twice'],
      ['error', 3, 'image-twice'],
    ],
  );

  const split = (line: string, part: string) => JSON.stringify({ ...JSON.parse(line), split: part });
  const many = Array.from({ length: 10 }, (_, i) => split(first.replace('0.png', `${i}.png`), 'train'));
  const folder = join(path, '..');
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, `${i}.png`), readFileSync(image));
  writeFileSync(path, [...many, split(second.replace('1.png', 'v.png'), 'val')].join('\n'));
  writeFileSync(join(folder, 'v.png'), readFileSync(image));
  const { issues: unknown, validation } = await readObjectTable(path);
  assert.equal(validation?.records.length, 1);
  assert.deepEqual(
    unknown.map(({ severity, line, code }) => [severity, line, code]),
    [
      ['error', 11, 'unknown-class'],
      ['warning', undefined, 'class-not-validated'],
    ],
  );
  assert.equal(unknown[0].hint, 'did you mean can?');

  const { issues: empty } = await readObjectTable(tableOf(t, Array(10).fill([])));
  assert.deepEqual(
    empty.map(({ code }) => code),
    ['no-objects'],
  );
});

test('whatever a label field holds, it is a record or an error, never a crash', async (t) => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.array(
      fc.record(
        {
          ...{ label: fc.oneof(fc.string(), fc.jsonValue()), isCrowd: fc.jsonValue() },
          ...{ topX: fc.double(), topY: fc.double(), bottomX: fc.double(), bottomY: fc.double() },
          polygon: fc.oneof(fc.array(fc.array(fc.double({ min: 0, max: 1 }))), fc.jsonValue()),
        },
        { requiredKeys: [] },
      ),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 5 }), async (labels) => {
      for (const task of ['detection', 'segmentation'] as const) {
        const { texts, records } = await said(t, labels, task);
        const bad = new Set(texts.filter((text) => text.startsWith('error')).map((text) => text.split(' ')[1]));
        assert.equal(bad.size + records.length, labels.length);
        for (const { objects } of records)
          for (const { box: corners } of objects) {
            assert.ok(corners.every((side) => side >= 0 && side <= 1));
            assert.ok(corners[0] < corners[2] && corners[1] < corners[3]);
          }
      }
    }),
    { numRuns: 40 },
  );
});

test('what is written is read back as it was, for detection and for segmentation', async (t) => {
  const folder = temporaryFolder(t, { 'a.png': readFileSync(image), 'b.png': readFileSync(image) });
  const records: ObjectRecord[] = ['a.png', 'b.png'].map((name, i) => ({
    ...{ file: join(folder, name), source: { file: folder }, width: 100, height: 50, bytes: 1 },
    objects:
      i === 0
        ? []
        : [
            {
              ...{ label: 'can', box: [0.1, 1 / 3, 0.5, 0.7], crowd: true },
              polygons: [[0.1, 1 / 3, 0.5, 0.7, 0.1, 0.7]],
            },
          ],
  }));
  await writeObjectTable(folder, records);
  for (const task of ['detection', 'segmentation'] as const) {
    const { dataset, issues } = await readObjectTable(folder, { task, role: 'validation' });
    assert.deepEqual(issues, []);
    assert.deepEqual(
      dataset.records.map(({ file, width, objects }) => ({ file, width, objects })),
      records.map(({ file, width, objects }) => ({ file, width, objects })),
    );
  }
  assert.match(readFileSync(join(folder, 'annotations.jsonl'), 'utf8'), /^\{"image_url":"a\.png"/);
});

test('images of records with objects are opened: sizes are filled in, others than declared are said', async (t) => {
  const path = tableOf(t, [[box(0.1, 0.2, 0.5, 0.7)]]);
  const { dataset } = await readObjectTable(path, { role: 'validation' });
  const { width = 0, height = 0 } = await sharp(fileURLToPath(image)).metadata();
  const issues = await verifyImages(dataset.records);
  assert.deepEqual(
    issues.map(({ code, line }) => [code, line]),
    [['image-size', 1]],
  );
  assert.deepEqual([dataset.records[0].width, dataset.records[0].height], [width, height]);
});

test('a split keeps the share of each label, and the same seed gives the same split', () => {
  const labelled = (...labels: string[]) => ({
    objects: labels.map((label) => ({ label, box: [0, 0, 1, 1] as const, crowd: false })),
  });
  const records = Array.from({ length: 100 }, (_, i) =>
    labelled(...(i % 10 === 0 ? [] : ['car', 'car', ...(i % 5 === 1 ? ['bus'] : [])])),
  );
  const [training, validation] = splitObjects(records, 0.2, 7);
  assert.equal(training.length + validation.length, 100);
  assert.ok(Math.abs(validation.length - 20) <= 1);
  assert.ok(Math.abs(validation.filter(({ objects }) => objects.length === 3).length - 4) <= 1);
  assert.ok(Math.abs(validation.filter(({ objects }) => objects.length === 0).length - 2) <= 1);
  assert.deepEqual(splitObjects(records, 0.2, 7), [training, validation]);
});

test('annotations as Azure writes them are read', async (t) => {
  const folder = join(shared, 'conformance', 'azure', 'data');
  if (!existsSync(folder)) return t.skip(`the conformance files are not in ${shared} (FOVEA_SHARED)`);
  const lines = readFileSync(join(folder, 'jsonl', 'instance-segmentation-validation.excerpt.jsonl'), 'utf8');
  const here = temporaryFolder(t, { 'validation_annotations.jsonl': lines });
  const items = join(folder, 'image-object-detection-fridge-items', 'validation-mltable-folder');
  for (const name of readdirSync(items)) writeFileSync(join(here, name), readFileSync(join(items, name)));
  for (const line of lines.trimEnd().split('\n'))
    writeFileSync(join(here, (JSON.parse(line).image_url as string).split('/').at(-1) ?? ''), readFileSync(image));
  for (const task of ['detection', 'segmentation'] as const) {
    const { dataset, issues } = await readObjectTable(here, { task, role: 'validation' });
    assert.deepEqual(issues, []);
    assert.equal(dataset.records.length, 2);
    assert.ok(dataset.records.every(({ objects }) => objects.every(({ polygons }) => polygons?.length)));
  }
});
