import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImageRecord } from '@fovea/data';
import sharp from 'sharp';
import { parseJob } from '../spec/parse.ts';
import { type JobData, prepareData } from './prepare-data.ts';

/** A folder with pictures of random colour, and files with text. */
async function folderOf(t: TestContext, pictures: readonly string[], texts: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-prepare-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of pictures) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const background = { r: name.length, g: 9, b: 9 };
    await sharp({ create: { width: 8, height: 6, channels: 3, background } }).toFile(join(folder, name));
  }
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  return folder;
}

function jobOf(training: string, more = '', task = 'image_classification') {
  const text = `{type: automl, task: ${task}, target_column_name: label, training_data: {path: ${training}}${more}}`;
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.ok(job, JSON.stringify(issues));
  return job;
}

/** Prepares a job in `folder/job`, and tells what was said. */
async function prepared(folder: string, job: ReturnType<typeof jobOf>, { resumes = false, seed = 1 } = {}) {
  const said: string[] = [];
  const data = await prepareData(job, {
    baseFolder: folder,
    folder: join(folder, 'job'),
    resumes,
    cacheFolder: join(folder, 'cache'),
    seed,
    report: (event) => {
      if (event.type === 'log') said.push(event.message);
    },
    signal: new AbortController().signal,
  });
  return { data, said: said.join('\n') };
}

const setsOf = (data: JobData) => {
  assert.ok(data.kind === 'labels');
  const { train, validation, classes } = data;
  const plain = ({ source: _, ...record }: ImageRecord) => record;
  return { classes, train: train.records.map(plain), validation: validation.records.map(plain) };
};

const pictures = (label: string, n: number) => Array.from({ length: n }, (_, i) => `pictures/${label}/${i}.png`);

test('the split of a job is the data of another one, record by record', async (t) => {
  const folder = await folderOf(t, [...pictures('ant', 12), ...pictures('bee', 8)]);
  const first = await prepared(folder, jobOf('pictures'));
  assert.deepEqual([first.data.train.records.length, first.data.validation.records.length], [16, 4]);
  assert.match(first.said, /20 images · 2 classes \(ant 12, bee 8\) · 4 of them validate/);
  assert.match(first.said, /job\/data\/train and .*job\/data\/validation can be training_data and validation_data/);
  const again = await prepared(folder, jobOf('job/data/train', ', validation_data: {path: job/data/validation}'), {
    seed: 2,
  });
  assert.deepEqual(setsOf(again.data), setsOf(first.data));
  assert.doesNotMatch(again.said, /this split is kept/);
});

test('a job that goes on keeps its images, and says when the data has changed', async (t) => {
  const folder = await folderOf(t, [...pictures('ant', 12), ...pictures('bee', 8)]);
  const first = await prepared(folder, jobOf('pictures'));
  const same = await prepared(folder, jobOf('pictures'), { resumes: true, seed: 2 });
  assert.deepEqual([setsOf(same.data), same.said], [setsOf(first.data), '']);

  await sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } }).toFile(
    join(folder, 'pictures/bee/new.png'),
  );
  await sharp({ create: { width: 80, height: 60, channels: 3, background: 'red' } }).toFile(
    join(folder, 'pictures/ant/0.png'),
  );
  const changed = await prepared(folder, jobOf('pictures'), { resumes: true });
  assert.match(changed.said, /pictures has changed since the job began \(1 new, 1 with another content\)/);
  assert.deepEqual(
    changed.data.train.records.map(({ file }) => file),
    first.data.train.records.map(({ file }) => file),
  );

  rmSync(join(folder, 'pictures/bee/0.png'));
  await assert.rejects(prepared(folder, jobOf('pictures'), { resumes: true }), /bee\/0\.png is not there/);
});

test('several labels: a CSV with its own split trains and validates by it, and is kept, too', async (t) => {
  const rows = Array.from({ length: 15 }, (_, i) => {
    const part = i < 11 ? 'train' : i < 13 ? 'val' : 'test';
    return `${i}.png,${part},${['sea', 'sea sky', 'sky', ''][i % 4]}`;
  });
  const names = rows.map((_, i) => `images/${i}.png`);
  const folder = await folderOf(t, names, { 'labels.csv': ['file,split,label', ...rows].join('\n') });
  const job = jobOf('labels.csv', '', 'image_classification_multilabel');
  const { data, said } = await prepared(folder, job);
  assert.match(
    said,
    /labels\.csv {2}11 images · 2 classes \(sea 6, sky 6\) · 2 without any · 2 others validate · 2 for testing are left out/,
  );
  const same = await prepared(folder, job, { resumes: true });
  assert.deepEqual(setsOf(same.data), setsOf(data));
  const other = await prepared(
    folder,
    jobOf('job/data/train', ', validation_data: {path: job/data/validation}', 'image_classification_multilabel'),
  );
  assert.deepEqual(setsOf(other.data), setsOf(data));
});

test('class folders and several labels an image do not go together', async (t) => {
  const folder = await folderOf(t, [...pictures('ant', 6), ...pictures('bee', 6)]);
  await assert.rejects(
    prepared(folder, jobOf('pictures', '', 'image_classification_multilabel')),
    /gives each image one class, that of its folder: task image_classification;/,
  );
});

test('segmentation needs outlines, keeps them in the split, and has its boxes from them', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `${i}.png`);
  const box = { topX: 0, topY: 0, bottomX: 1, bottomY: 1 };
  const polygon = [[0.125, 0.25, 0.75, 0.25, 0.5, 0.875]];
  const table = (object: object) =>
    names.map((image_url) => `${JSON.stringify({ image_url, label: [{ label: 'cell', ...object }] })}\n`).join('');
  const folder = await folderOf(t, names, {
    'outlines.jsonl': table({ ...box, polygon }),
    'boxes.jsonl': table(box),
  });
  const job = jobOf('outlines.jsonl', '', 'image_instance_segmentation');
  const objectsOf = ({ data }: Awaited<ReturnType<typeof prepared>>) => {
    assert.ok(data.kind === 'objects');
    return data.train.records.map(({ file, objects }) => ({ file, objects }));
  };
  const first = objectsOf(await prepared(folder, job));
  const [{ objects }] = first;
  assert.deepEqual(objects, [{ label: 'cell', box: [0.125, 0.25, 0.75, 0.875], polygons: polygon, crowd: false }]);
  assert.deepEqual(objectsOf(await prepared(folder, job, { resumes: true })), first);
  await assert.rejects(
    prepared(folder, jobOf('boxes.jsonl', '', 'image_instance_segmentation')),
    /polygon is missing[\s\S]*boxes alone are for image_object_detection/,
  );
});
