import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { FORMATS } from './annotated-image.ts';
import { convertAnnotations } from './convert.ts';
import type { ObjectRecord } from './object-record.ts';
import { readObjectTable } from './object-table.ts';
import { readObjects } from './read-objects.ts';
import { recogniseObjects } from './recognise-objects.ts';
import { writeObjectTable } from './write-object-table.ts';

const png = await sharp({ create: { width: 64, height: 32, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

/** Twenty images: one without objects, the others with one or two of two classes. */
async function table(folder: string): Promise<string> {
  const place = join(folder, 'table');
  mkdirSync(place, { recursive: true });
  const records = Array.from({ length: 20 }, (_, i): ObjectRecord => {
    const file = join(place, `${i}.png`);
    writeFileSync(file, png);
    const objects = [
      { label: i % 2 === 0 ? 'can' : 'bottle', box: [0.125, 0.25, 0.5, 0.75] as const, crowd: false },
      { label: 'can', box: [0.5, 0.5, 1, 1] as const, crowd: false },
    ];
    return { file, source: { file }, width: 64, height: 32, bytes: png.length, objects: objects.slice(0, i % 3) };
  });
  await writeObjectTable(place, records);
  return place;
}

const plain = (records: readonly ObjectRecord[]) =>
  records
    .map(({ file, objects, width, height }) => ({ name: basename(file), width, height, objects }))
    .sort((a, b) => a.name.localeCompare(b.name));

for (const format of FORMATS) {
  test(`${format}: a folder is recognised, and read as the table with the same objects`, async (t) => {
    const folder = temporaryFolder(t);
    const input = await table(folder);
    const output = join(folder, 'converted');
    await convertAnnotations({ input, output, to: format });
    const found = await recogniseObjects(output);
    assert.equal(found?.format, format);
    const { dataset, issues, validation, testImages } = await readObjects(found.training);
    assert.deepEqual(issues, []);
    assert.equal(validation, undefined);
    assert.equal(testImages, 0);
    assert.deepEqual(dataset.classes, ['bottle', 'can']);
    assert.deepEqual(plain(dataset.records), plain((await readObjectTable(input)).dataset.records));

    // What a job keeps of it is the same again.
    const kept = join(folder, 'kept');
    await writeObjectTable(kept, dataset.records);
    const again = await readObjectTable(kept);
    assert.deepEqual(
      again.dataset.records.map(({ objects }) => objects),
      dataset.records.map(({ objects }) => objects),
    );
  });

  test(`${format}: what is for validation and testing is told apart`, async (t) => {
    const folder = temporaryFolder(t);
    const output = join(folder, 'converted');
    await convertAnnotations({ input: await table(folder), output, to: format, splits: '0.6,0.2,0.2', seed: 3 });
    const found = await recogniseObjects(output);
    assert.ok(found);
    if (format === 'jsonl') {
      const parts = [found.training, found.validation, found.test].map((path) => basename(path ?? ''));
      assert.deepEqual(parts, ['train', 'validation', 'test']);
      return;
    }
    const whole = await readObjects(found.training);
    assert.ok(whole.isSplit);
    const sizes = [whole.dataset.records.length, whole.validation?.records.length, whole.testImages];
    assert.deepEqual(sizes, [12, 4, 4]);
    const validation = await readObjects(found.training, { role: 'validation', part: 'validation' });
    assert.deepEqual(plain(validation.dataset.records), plain(whole.validation?.records ?? []));
    const testing = await readObjects(found.training, { role: 'validation', part: 'test' });
    assert.equal(testing.dataset.records.length, 4);
  });
}

const xml = (label: string, corners: string) =>
  `<annotation>\n<filename>a.png</filename>\n<object><name>${label}</name><bndbox>${corners}</bndbox></object>\n</annotation>\n`;
const whole = '<xmin>8</xmin><ymin>8</ymin><xmax>32</xmax><ymax>24</ymax>';

test('folders for training and validation are paths of their own', async (t) => {
  const folder = temporaryFolder(t, {
    'train/a.png': png,
    'train/a.xml': xml('cat', whole),
    'valid/a.png': png,
    'valid/a.xml': xml('cat', whole),
  });
  // The readers of each format know such layouts themselves.
  const read = await readObjects(folder, { role: 'validation' });
  assert.deepEqual([read.dataset.records.length, read.validation?.records.length], [1, 1]);

  const inside = temporaryFolder(t, {
    'train/Annotations/a.xml': xml('cat', whole),
    'train/JPEGImages/a.png': png,
    'val/Annotations/a.xml': xml('cat', whole),
    'val/JPEGImages/a.png': png,
  });
  assert.deepEqual(await recogniseObjects(inside), {
    training: join(inside, 'train'),
    validation: join(inside, 'val'),
    format: 'voc',
    task: 'detection',
  });
});

test('every problem has its file and line, and boxes without area are left out', async (t) => {
  const folder = temporaryFolder(t, {
    'Annotations/a.xml': xml('cat', whole.replace('32', '8')),
    'Annotations/b.xml': xml('cat', whole.replace('32', '320')).replace('a.png', 'b.png'),
    'JPEGImages/a.png': png,
    'JPEGImages/b.png': png,
  });
  const { issues, dataset } = await readObjects(folder);
  assert.deepEqual(
    issues.map(({ severity, code, file, line }) => [severity, code, basename(file), line]),
    [
      ['warning', 'box-without-area', 'a.xml', 3],
      ['error', 'box-outside', 'b.xml', 3],
    ],
  );
  assert.deepEqual(dataset.records[0].objects, []);
});

test('class folders with a job file beside them are no YOLO', async (t) => {
  const folder = temporaryFolder(t, { 'job.yml': 'type: automl\n', 'cat/a.png': png, 'dog/a.png': png });
  assert.equal(await recogniseObjects(folder), undefined);
});

test('annotations of two formats are a question', async (t) => {
  const folder = temporaryFolder(t, {
    'a.xml': xml('cat', whole),
    'data.yaml': 'names: [cat]\ntrain: .\n',
    'a.png': png,
  });
  const { issues, dataset } = await readObjects(folder);
  assert.deepEqual(
    issues.map(({ code }) => code),
    ['several-formats'],
  );
  assert.equal(dataset.records.length, 0);
});
