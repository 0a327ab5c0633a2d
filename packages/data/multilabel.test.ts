import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTable } from './table.ts';
import { temporaryFolder } from './temporary-folder.ts';

const images = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`images/${i}.jpg`, 'x']));
const lineOf = (label: unknown, i: number) => JSON.stringify({ image_url: `images/${i}.jpg`, label });
const labelKind = 'multilabel';
const brief = ({ issues }: Awaited<ReturnType<typeof readTable>>) =>
  issues.map(({ severity, line, message, hint }) => [severity, line, message, hint]);
const labelsOf = ({ dataset }: Awaited<ReturnType<typeof readTable>>) => dataset.records.map(({ labels }) => labels);

test('lists of labels: in any order, each once, and an empty one is an image all the same', async (t) => {
  const lists = [['can', 'carton'], ['carton', 'can', 'can'], [], ...Array(7).fill(['milk_bottle'])];
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': lists.map(lineOf).join('\n') });
  const result = await readTable(join(folder, 'train.jsonl'), { labelKind });
  assert.deepEqual(result.issues, []);
  assert.deepEqual(result.dataset.classes, ['can', 'carton', 'milk_bottle']);
  assert.deepEqual(labelsOf(result).slice(0, 3), [['can', 'carton'], ['can', 'carton'], []]);
});

test('what is no list of labels is told in its line, with the task that it would be of', async (t) => {
  const wrong = ['can', null, 7, [], ['a', ''], ['a', 3], [{ label: 'can' }], ['ok']];
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': wrong.map(lineOf).join('\n') });
  assert.deepEqual(brief(await readTable(join(folder, 'train.jsonl'), { labelKind })), [
    [
      'error',
      1,
      'label is a string ("can")',
      'that is one class, task image_classification; image_classification_multilabel takes a list, as in ["can"]',
    ],
    ['error', 2, 'label is null', 'it is a list of names, as in ["cat", "dog"], or [] for none'],
    ['error', 3, 'label is a number (7)', 'it is a list of names, as in ["cat", "dog"], or [] for none'],
    ['error', 5, 'label has an empty name in its list', 'an image without labels has []'],
    ['error', 6, 'label has a number (3) in its list', 'write it as text, "3"'],
    [
      'error',
      7,
      'label has an object in its list',
      'that is for object detection or segmentation; image_classification_multilabel takes names',
    ],
  ]);
});

test('delimited labels are parted by blanks, or by the one sign that the column uses', async (t) => {
  const read = async (cells: string[], separator = ',') => {
    const rows = cells.map((cell, i) => `images/${i}.jpg${separator}${cell}`);
    const folder = temporaryFolder(t, {
      ...images(10),
      'labels.csv': [`image_url${separator}label`, ...rows].join('\n'),
    });
    return readTable(join(folder, 'labels.csv'), { labelKind, role: 'validation' });
  };
  assert.deepEqual(labelsOf(await read(['sea  sunset', 'sea', '', '1 2'])), [
    ['sea', 'sunset'],
    ['sea'],
    [],
    ['1', '2'],
  ]);
  assert.deepEqual(labelsOf(await read(['polar bear; ice', 'ice'])), [['ice', 'polar bear'], ['ice']]);
  assert.deepEqual(labelsOf(await read(['"polar bear,ice"', 'polar bear'])), [['ice', 'polar bear'], ['polar bear']]);
  assert.deepEqual(labelsOf(await read(['polar bear,ice', 'ice'], ';')), [['ice', 'polar bear'], ['ice']]);
  assert.deepEqual(labelsOf(await read(['"[""sea"", ""sun set""]"', 'sea'])), [['sea', 'sun set'], ['sea']]);
  assert.deepEqual(brief(await read([`"['sea', 'sunset']"`])), [
    [
      'error',
      2,
      `label begins like a list ("['sea', 'sunset']") but is none in JSON`,
      'write the names with a blank between them',
    ],
  ]);
});

test('in an MLTable, too, where numbers are to be converted to text', async (t) => {
  const read = (cells: string, conversion = '') =>
    readTable(
      temporaryFolder(t, {
        ...images(2),
        'a.csv': `image_url,label\n${cells}`,
        MLTable: `paths: [{file: a.csv}]\ntransformations:\n  - read_delimited:\n${conversion}`,
      }),
      { labelKind, role: 'validation' },
    );
  assert.deepEqual(labelsOf(await read('images/0.jpg,a b\nimages/1.jpg,\n')), [['a', 'b'], []]);
  const numbers = await read('images/0.jpg,1\nimages/1.jpg,2\n');
  assert.match(numbers.issues[0].hint ?? '', /convert_column_types/);
  const text = await read(
    'images/0.jpg,1\nimages/1.jpg,2\n',
    '  - convert_column_types: [{columns: label, column_type: string}]',
  );
  assert.deepEqual(labelsOf(text), [['1'], ['2']]);
});

test('an image twice: with the same labels it is used once, with others it is wrong', async (t) => {
  const lines = [...Array(9).fill(['a', 'b']), ['c']].map(lineOf);
  const text = [...lines, lineOf(['b', 'a'], 3), lineOf([], 4)].join('\n');
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': text });
  assert.deepEqual(brief(await readTable(join(folder, 'train.jsonl'), { labelKind })), [
    ['warning', 11, `${folder}/images/3.jpg stands in line 4 already; it is used once`, undefined],
    [
      'error',
      12,
      `${folder}/images/4.jpg is without a label here and "a", "b" in line 5`,
      'all labels of an image stand in one line',
    ],
  ]);
});

test('sets that have nothing to tell apart are refused; what is odd about labels is said', async (t) => {
  const messages = async (lists: string[][]) => {
    const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': lists.map(lineOf).join('\n') });
    return brief(await readTable(join(folder, 'train.jsonl'), { labelKind })).map(([severity, , message]) => [
      severity,
      message,
    ]);
  };
  assert.deepEqual(await messages(Array(10).fill([])), [['error', 'no image has a label']]);
  assert.deepEqual(await messages(Array(9).fill(['a'])), [
    ['error', 'there are only 9 images'],
    ['error', 'all images have the same label, "a"'],
  ]);
  assert.deepEqual(await messages([...Array(9).fill(['a']), []]), []);
  assert.deepEqual(await messages([...Array(9).fill(['a', 'Cat ']), ['a', 'cat']]), [
    ['warning', 'every image has "a"'],
    ['warning', '"Cat " and "cat" are two classes'],
  ]);
});

test('a bare file may name its columns otherwise and say which rows train, validate and test', async (t) => {
  const parts = ['train', 'Training', 'val', 'test', 'valid', ...Array(9).fill('train')];
  const rows = parts.map((part, i) => `${i}.jpg,${part},${i % 2 ? 'sea trees' : 'sea'}`);
  const folder = temporaryFolder(t, { ...images(14), 'labels.csv': ['file,split,labels', ...rows].join('\r\n') });
  const options = { targetColumn: 'labels', labelKind } as const;
  const whole = await readTable(join(folder, 'labels.csv'), options);
  assert.deepEqual(brief(whole), [
    ['warning', undefined, 'every image has "sea"', 'what all images have, a model cannot learn to see'],
    ['warning', undefined, 'no validation image has "trees"', 'metrics say nothing of it'],
  ]);
  assert.deepEqual([whole.dataset.records.length, whole.validation?.records.length, whole.testImages], [11, 2, 1]);
  assert.equal(whole.dataset.records[0].file, join(folder, 'images/0.jpg'));
  const tested = await readTable(join(folder, 'labels.csv'), { ...options, role: 'validation', part: 'test' });
  assert.deepEqual(
    tested.dataset.records.map(({ source, labels }) => [source.line, labels]),
    [[5, ['sea', 'trees']]],
  );
  const odd = temporaryFolder(t, { ...images(1), 'a.csv': 'file,split,label\n0.jpg,fold1,a\n' });
  assert.deepEqual(brief(await readTable(join(odd, 'a.csv'))), [
    ['error', 2, 'split is a string ("fold1")', 'it is train, val or test'],
  ]);
  const none = temporaryFolder(t, { ...images(1), 'a.csv': 'file,split,label\n0.jpg,test,a\n' });
  assert.deepEqual(
    brief(await readTable(join(none, 'a.csv'))).map(([, , message]) => message),
    ['no row has train in its column split'],
  );
});

test('JSONL as the multi-label sample of Azure has it finds its pictures beside it', async (t) => {
  const store = 'azureml://subscriptions/b17/resourcegroups/rg/workspaces/ws/datastores/workspaceblobstore/paths';
  const lines = [
    ['5.jpg', '["water_bottle"]'],
    ['10.jpg', '["carton", "milk_bottle"]'],
    ['65.jpg', '["carton", "can", "milk_bottle", "water_bottle"]'],
  ].map(
    ([name, label]) =>
      `{"image_url": "${store}/LocalUpload/baef/multilabelFridgeObjects/images/${name}", "label": ${label}}`,
  );
  const folder = temporaryFolder(t, {
    ...Object.fromEntries(['5', '10', '65'].map((name) => [`multilabelFridgeObjects/images/${name}.jpg`, 'x'])),
    'validation-mltable-folder/MLTable': 'paths: [{file: ./v.jsonl}]\ntransformations: [{read_json_lines: {}}]\n',
    'validation-mltable-folder/v.jsonl': lines.join('\n'),
  });
  const result = await readTable(join(folder, 'validation-mltable-folder'), { labelKind, role: 'validation' });
  assert.deepEqual(result.issues, []);
  assert.deepEqual(result.dataset.classes, ['can', 'carton', 'milk_bottle', 'water_bottle']);
  assert.deepEqual(labelsOf(result)[1], ['carton', 'milk_bottle']);
});
