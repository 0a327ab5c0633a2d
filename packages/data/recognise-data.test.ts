import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { recogniseData } from './recognise-data.ts';
import { temporaryFolder } from './temporary-folder.ts';

const csv = (...labels: string[]) => ['file,label', ...labels.map((label, i) => `${i}.jpg,${label}`)].join('\n');
const jsonl = (label: unknown) => JSON.stringify({ image_url: 'images/0.jpg', label });
const MLTABLE = 'paths: [{file: a.jsonl}]\ntransformations: [{read_json_lines: {}}]\n';

test('folders and files are found out to be what they are', async (t) => {
  const found = async (files: Record<string, string | null>, below = '.') => {
    const folder = temporaryFolder(t, files);
    const { training, validation, test: testing, labelKind, table } = await recogniseData(join(folder, below));
    const short = (path: string | undefined) => (path === undefined ? undefined : relative(folder, path));
    return [short(training), short(validation), short(testing), labelKind, table && `${table.image} ${table.label}`];
  };
  const none = undefined;
  assert.deepEqual(await found({ 'a/0.jpg': '', 'b/0.jpg': '' }), ['', none, none, 'multiclass', null]);
  assert.deepEqual(await found({ MLTable: MLTABLE, 'a.jsonl': jsonl('x') }), [
    '',
    none,
    none,
    'multiclass',
    'image_url label',
  ]);
  assert.deepEqual(await found({ 'a.jsonl': jsonl(['x']) }, 'a.jsonl'), [
    'a.jsonl',
    none,
    none,
    'multilabel',
    'image_url label',
  ]);
  assert.deepEqual(
    await found({ 'images/0.jpg': '', 'labels.csv': csv('x'), 'readme.md': '', 'figures.csv': 'a,b\n1,2\n' }),
    ['labels.csv', none, none, 'multiclass', 'file label'],
  );
  const table = (folder: string, label: unknown) => ({
    [`${folder}/MLTable`]: MLTABLE,
    [`${folder}/a.jsonl`]: jsonl(label),
  });
  assert.deepEqual(
    await found({
      ...table('training-mltable-folder', []),
      ...table('validation-mltable-folder', []),
      ...table('test', []),
    }),
    ['training-mltable-folder', 'validation-mltable-folder', 'test', 'multilabel', 'image_url label'],
  );
  assert.deepEqual(await found({ 'train_annotations.jsonl': jsonl('x'), 'val.jsonl': jsonl('x') }), [
    'train_annotations.jsonl',
    'val.jsonl',
    none,
    'multiclass',
    'image_url label',
  ]);
  await assert.rejects(found({ 'a.csv': csv('x'), 'b.csv': csv('x') }), /there are 2 annotation files: a\.csv, b\.csv/);
  await assert.rejects(found({ 'a.jsonl': '' }, 'a.jsonl'), /there is no record in it/);
});

test('text is a list of labels when its parts are a vocabulary, and a name otherwise', async (t) => {
  const kind = async (text: string, given = {}) => {
    const { labelKind, example } = await recogniseData(join(temporaryFolder(t, { 'a.csv': text }), 'a.csv'), given);
    return [labelKind, example];
  };
  assert.deepEqual(await kind(csv('sea', 'sea sky', 'sky', '')), ['multilabel', 'sea sky']);
  assert.deepEqual(await kind(csv('sea', 'sky')), ['multiclass', null]);
  assert.deepEqual(await kind(csv('polar bear', 'brown bear', 'seal')), ['multiclass', 'polar bear']);
  assert.deepEqual(await kind(csv('red car', 'red bike', 'blue car', 'blue bike')), ['multiclass', 'red car']);
  assert.deepEqual(await kind(csv('sea;sun set', 'sun set', 'sea')), ['multilabel', 'sea;sun set']);
  assert.deepEqual(await kind(csv('"[""sea""]"')), ['multilabel', '["sea"]']);
  assert.deepEqual(await kind('file,label,sea,sky\n0.jpg,sea sky,1,1\n'), ['multilabel', 'sea sky']);
  const pairs = ['a b', 'a c', 'b c', 'a b c'].map((labels, i) => `${i}.jpg,${labels}`).join('\n');
  assert.deepEqual(await kind(`file,tags\n${pairs}`), ['multilabel', 'a b']);
  assert.deepEqual(await kind(`file,class\n${pairs}`), ['multiclass', 'a b']);
  assert.deepEqual(await kind(`file,class\n${pairs}`, { labelKind: 'multilabel' }), ['multilabel', 'a b']);
  assert.deepEqual(await kind('file,label,mood\n0.jpg,x,a\n', { targetColumn: 'mood' }), ['multiclass', null]);
});

test('a table with a row for each box is no table of images', async (t) => {
  const folder = temporaryFolder(t, {
    'labels.csv': 'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,64,32,cat,1,2,30,20\n',
  });
  await assert.rejects(recogniseData(join(folder, 'labels.csv')), /each of its rows is a box[\s\S]*Pascal VOC/);
});
