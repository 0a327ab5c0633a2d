import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIssues } from './issue.ts';
import { readTable } from './table.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MLTABLE = 'paths: [{file: ./train.jsonl}]\ntransformations: [{read_json_lines: {}}]\n';
const line = (i: number, more: object = {}) =>
  JSON.stringify({ image_url: `images/${i}.jpg`, label: i % 2 ? 'cat' : 'dog', ...more });
/** Files of a table with `n` images, which nothing here opens. */
const images = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`images/${i}.jpg`, 'x']));
const lines = (n: number) => Array.from({ length: n }, (_, i) => line(i));

const brief = ({ issues }: Awaited<ReturnType<typeof readTable>>) =>
  issues.map(({ severity, line, message, hint }) => [severity, line, message, hint]);

test('a table of ten images is read: MLTable folder, MLTable file or JSONL file', async (t) => {
  const folder = temporaryFolder(t, { ...images(10), MLTable: MLTABLE, 'train.jsonl': `${lines(10).join('\n')}\n\n` });
  for (const path of [folder, join(folder, 'MLTable'), join(folder, 'train.jsonl')]) {
    const { dataset, issues } = await readTable(path);
    assert.deepEqual(issues, []);
    assert.deepEqual(dataset.classes, ['cat', 'dog']);
    assert.equal(dataset.records.length, 10);
    assert.deepEqual(dataset.records[3], {
      file: join(folder, 'images/3.jpg'),
      labels: ['cat'],
      source: { file: join(folder, 'train.jsonl'), line: 4 },
      width: 0,
      height: 0,
      bytes: 1,
    });
  }
});

test('all problems of a file are reported at once, each with its line', async (t) => {
  const text = [
    line(0),
    '{"image_url": "images/1.jpg", "label": "cat"',
    line(99),
    '{"label": "cat"}',
    '{"image_url": "images/2.jpg"}',
    '{"image_url": "images/3.jpg", "lable": "cat"}',
    '{"image": "images/3.jpg", "label": "cat"}',
    '{"image_url": "images/4.jpg", "label": ["cat", "dog"]}',
    '{"image_url": "images/4.jpg", "label": 7}',
    '{"image_url": 5, "label": " "}',
    '[1, 2]',
  ].join('\n');
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': text });
  const result = await readTable(join(folder, 'train.jsonl'));
  assert.equal(
    formatIssues(result.issues, { sources: result.sources, folder }),
    `train.jsonl has 11 problems in 11 lines

  line 2   not JSON: unexpected end, where , or } should be, at column 45
  line 3   images/99.jpg is not there (looked in ${folder}/images/, ${join(process.cwd(), 'images')}/)
  line 4   image_url is missing
  line 5   label is missing
  line 6   label is missing; "lable" is there; is it meant?
  line 7   image_url is missing; "image" is there; is it meant?
  line 8   label is a list; that is multi-label, task image_classification_multilabel; image_classification takes one class name
  line 9   label is a number (7); write it as text, "7", or convert the column to string in the MLTable (convert_column_types)
  line 10  label is empty; give the name of the class
  line 10  image_url is a number (5); it is the path of an image
  line 11  this line is a list, not an object; each line is one {"image_url": …, "label": …}`.replace(
      `${join(process.cwd(), 'images')}/`,
      'images/',
    ),
  );
  assert.deepEqual(
    result.dataset.records.map((record) => record.source.line),
    [1],
  );
});

test('a label field that no record has is one problem, which names those that are there', async (t) => {
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': lines(10).join('\n') });
  const result = await readTable(join(folder, 'train.jsonl'), { targetColumn: 'labels' });
  assert.deepEqual(brief(result), [
    [
      'error',
      undefined,
      'no record has the field labels (target_column_name)',
      'the fields there are image_url, label; "label" is there; is it meant?',
    ],
  ]);
});

test('an empty set, fewer than ten images and a single class are refused for training', async (t) => {
  const folder = temporaryFolder(t, {
    ...images(10),
    'none.jsonl': '\n',
    'few.jsonl': lines(9).join('\n'),
    'one.jsonl': lines(1).join('\n'),
  });
  const messages = async (name: string, role: 'training' | 'validation') =>
    brief(await readTable(join(folder, name), { role })).map(([, , message]) => message);
  assert.deepEqual(await messages('none.jsonl', 'training'), ['there is no usable image in it']);
  assert.deepEqual(await messages('none.jsonl', 'validation'), ['there is no usable image in it']);
  assert.deepEqual(await messages('few.jsonl', 'training'), ['there are only 9 images']);
  assert.deepEqual(await messages('few.jsonl', 'validation'), []);
  assert.deepEqual(await messages('one.jsonl', 'training'), [
    'there is only 1 image',
    'all images are of one class, "dog"',
  ]);
});

test('paths that are no table are refused with what to write', async (t) => {
  const folder = temporaryFolder(t, { 'data.txt': 'a', 'set/train.jsonl': '' });
  assert.match(
    JSON.stringify(brief(await readTable(join(folder, 'set')))),
    /no file named MLTable.*write one, for example: \{paths: \[\{file: \.\/train\.jsonl\}\]/,
  );
  assert.match(
    JSON.stringify(brief(await readTable(join(folder, 'data.txt')))),
    /neither a \.jsonl or \.csv file nor .*read_json_lines/,
  );
  assert.match(JSON.stringify(brief(await readTable(join(folder, 'nothing')))), /no such file or folder/);
});

test('an image twice is used once and said; with two labels it is wrong', async (t) => {
  const text = [...lines(10), line(3), '{"image_url": "./images/4.jpg", "label": "cat"}'].join('\n');
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': text });
  const result = await readTable(join(folder, 'train.jsonl'));
  assert.deepEqual(brief(result), [
    ['warning', 11, `${folder}/images/3.jpg stands in line 4 already; it is used once`, undefined],
    [
      'error',
      12,
      `${folder}/images/4.jpg is "cat" here and "dog" in line 5`,
      'an image has one class in image_classification',
    ],
  ]);
  assert.equal(result.dataset.records.length, 10);
});

test('image_details are taken, and warned about where they are wrong', async (t) => {
  const text = [
    line(0, { image_details: { format: 'JPG', width: '400px', height: 300 }, bbox: 'null' }),
    line(1, { image_details: { format: 'doc', width: -1, height: '3 cm' } }),
    line(2, { image_details: 'large' }),
    ...lines(10).slice(3),
  ].join('\n');
  const folder = temporaryFolder(t, { ...images(10), 'train.jsonl': text });
  const result = await readTable(join(folder, 'train.jsonl'));
  assert.deepEqual([result.dataset.records[0].width, result.dataset.records[0].height], [400, 300]);
  assert.deepEqual(
    brief(result).map(([severity, at, message]) => [severity, at, String(message).split(';')[0]]),
    [
      ['warning', 2, 'image_details.format is a string ("doc")'],
      ['warning', 2, 'image_details.width is a number (-1)'],
      ['warning', 2, 'image_details.height is a string ("3 cm")'],
      ['warning', 3, 'image_details is a string ("large")'],
    ],
  );
});

test('JSONL written for the cloud finds its downloaded images beside the table', async (t) => {
  const cloud = (path: string) =>
    `azureml://subscriptions/b17/resourcegroups/rg/workspaces/ws/datastores/workspaceblobstore/paths/LocalUpload/c6876/fridgeObjects/${path}`;
  const records = [
    { image_url: cloud('can/0.jpg'), label: 'can' },
    { image_url: cloud('carton/0.jpg'), label: 'carton' },
    { image_url: 'AmlDatastore://image_data/can/1.jpg', label: 'can' },
    { image_url: 'https://account.blob.core.windows.net/container/x/can/2.jpg?sv=token', label: 'can' },
    { image_url: cloud('can/three%203.jpg'), label: 'can' },
    { image_url: cloud('can/9.jpg'), label: 'can' },
    { image_url: cloud('../../secret.jpg'), label: 'can' },
  ];
  const names = ['can/0.jpg', 'carton/0.jpg', 'can/1.jpg', 'can/2.jpg', 'can/three 3.jpg'].map((name) => [
    `data/fridgeObjects/${name}`,
    'x',
  ]);
  const folder = temporaryFolder(t, {
    'secret.jpg': 'x',
    ...Object.fromEntries(names),
    'data/fridgeObjects/training/MLTable': MLTABLE,
    'data/fridgeObjects/training/train.jsonl': records.map((record) => JSON.stringify(record)).join('\n'),
  });
  const table = join(folder, 'data/fridgeObjects/training');
  const result = await readTable(table);
  assert.deepEqual(
    result.dataset.records.map((record) => record.file),
    names.map(([name]) => join(folder, name)),
  );
  const [missing, climbing] = brief(result);
  assert.equal(
    missing[2],
    `…/fridgeObjects/can/9.jpg is not there (looked in ${table}/, ${join(folder, 'data/fridgeObjects')}/)`,
  );
  assert.equal(missing[3], 'remote images are not fetched yet: put a copy of them beside the annotations');
  assert.match(String(climbing[2]), /secret.jpg is not there/);
});

test('absolute paths and file URLs are taken as they are; a folder is not an image', async (t) => {
  const folder = temporaryFolder(t, { 'a b/1.jpg': 'x', 'a b/2.jpg': 'x' });
  mkdirSync(join(folder, 'c.jpg'));
  const urls = [
    join(folder, 'a b/1.jpg'),
    `file://${folder}/a%20b/2.jpg`,
    join(folder, 'c.jpg'),
    'file://host/x.jpg',
    'nul\u0000.jpg',
    'a b\\1.jpg',
  ];
  const table = temporaryFolder(t, {
    'train.jsonl': urls.map((image_url) => JSON.stringify({ image_url, label: 'x' })).join('\n'),
  });
  const result = await readTable(join(table, 'train.jsonl'));
  assert.equal(result.dataset.records.length, 2);
  assert.deepEqual(
    result.issues.map((issue) => issue.line),
    [3, 4, 5, 6],
  );
  assert.equal(result.issues[3].hint, 'write / instead of \\ in paths');
});

test('transformations are applied in their order', async (t) => {
  const csv =
    'image_url,label,extra\n"images/0.jpg",1,true\nimages/1.jpg,2,false\n\nimages/2.jpg,1,true\nimages/3.jpg,,true\n';
  const mltable = (steps: string) =>
    `paths:\n  - pattern: '*.csv'\ntransformations:\n  - read_delimited: {infer_column_types: true}\n${steps}`;
  const read = async (steps: string, files = {}) => {
    const folder = temporaryFolder(t, { ...images(4), 'a.csv': csv, MLTable: mltable(steps), ...files });
    return readTable(folder, { role: 'validation' });
  };
  const text = '  - convert_column_types: [{columns: label, column_type: string}]\n';
  const labels = (result: Awaited<ReturnType<typeof read>>) =>
    result.dataset.records.map(({ labels: [label], source }) => [label, source.line]);

  const whole = await read(text);
  assert.deepEqual(labels(whole), [
    ['1', 2],
    ['2', 3],
    ['1', 5],
  ]);
  assert.deepEqual(
    brief(whole).map(([, at, message]) => [at, message]),
    [[6, 'label is null']],
  );
  assert.deepEqual(labels(await read(`${text}  - skip: 1\n  - take: 1\n`)), [['2', 3]]);
  assert.deepEqual(labels(await read(`${text}  - take: 2\n  - skip: 1\n`)), [['2', 3]]);
  assert.equal(
    brief(await read('')).filter(([, , message]) => String(message).startsWith('label is a number')).length,
    3,
  );
  assert.deepEqual(
    brief(await read(`${text}  - drop_columns: [extra, label]\n`)).map(([, , message]) => message),
    ['no record has the field label (target_column_name)'],
  );
  assert.deepEqual(
    brief(await read(`${text}  - keep_columns: [image_url, lable]\n`)).map(([, , message, hint]) => [message, hint])[0],
    ['no record has a field lable', 'did you mean label?'],
  );
  assert.equal(
    brief(await read('  - convert_column_types: [{columns: image_url, column_type: int}]\n'))[0][2],
    'image_url is a string ("images/0.jpg"), which cannot be read as int',
  );
  const sample = async (seed: number) =>
    labels(await read(`${text}  - take: 3\n  - take_random_sample: {probability: 0.5, seed: ${seed}}\n`));
  assert.deepEqual(await sample(1), await sample(1));
});

test('several CSV files with headers of their own make one table', async (t) => {
  const table = async (header: string, a: string, b: string) => {
    const folder = temporaryFolder(t, {
      ...images(4),
      'x/a.tsv': a,
      'x/b.tsv': b,
      MLTable: `paths: [{folder: x}]\ntransformations:\n  - read_delimited: {header: ${header}, delimiter: "\\t"}\n`,
    });
    const { dataset, issues } = await readTable(folder, { role: 'validation' });
    return {
      labels: dataset.records.map(({ labels: [label], source }) => [label, source.line]),
      issues: issues.map(({ message }) => message),
    };
  };
  const [a, b] = ['image_url\tlabel\nimages/0.jpg\tcat\n', 'image_url\tlabel\nimages/1.jpg\tdog\n'];
  const both = {
    labels: [
      ['cat', 2],
      ['dog', 2],
    ],
    issues: [],
  };
  assert.deepEqual(await table('all_files_same_headers', a, b), both);
  assert.deepEqual(await table('all_files_different_headers', a, 'label\timage_url\ndog\timages/1.jpg\n'), both);
  assert.deepEqual(await table('from_first_file', a, 'images/1.jpg\tdog\n'), {
    labels: [
      ['cat', 2],
      ['dog', 1],
    ],
    issues: [],
  });
  assert.deepEqual((await table('no_header', a, b)).issues, [
    'no record has the field image_url',
    'no record has the field label (target_column_name)',
  ]);
  assert.deepEqual((await table('all_files_same_headers', `${a}images/2.jpg\n`, b)).issues, [
    '1 cells where the header has 2',
    'label is null',
  ]);
  assert.match((await table('all_files_same_headers', `${a}"images/2.jpg`, b)).issues[0], /Quote/);
});

test('encodings: each that MLTable names is read, a wrong one is said', async (t) => {
  const text = `${JSON.stringify({ image_url: 'images/0.jpg', label: 'Äpfel' })}\n`;
  const utf16 = Buffer.from(text, 'utf16le');
  const utf32 = Buffer.from(new Uint32Array([...text].map((character) => character.codePointAt(0) ?? 0)).buffer);
  const read = async (encoding: string, bytes: Uint8Array) => {
    const mltable = `paths: [{file: train.jsonl}]\ntransformations: [{read_json_lines: {encoding: ${encoding}}}]`;
    const { dataset, issues } = await readTable(
      temporaryFolder(t, { ...images(1), 'train.jsonl': bytes, MLTable: mltable }),
      { role: 'validation' },
    );
    return dataset.records[0]?.labels[0] ?? issues[0].message;
  };
  assert.equal(await read('utf8', Buffer.from(text)), 'Äpfel');
  assert.equal(await read('utf8bom', Buffer.from(`\ufeff${text}`)), 'Äpfel');
  assert.equal(await read('latin1', Buffer.from(text, 'latin1')), 'Äpfel');
  assert.equal(await read('iso88591', Buffer.from(text, 'latin1')), 'Äpfel');
  assert.equal(await read('windows1252', Buffer.from(text, 'latin1')), 'Äpfel');
  assert.equal(await read('utf16', utf16), 'Äpfel');
  assert.equal(await read('utf16', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])), 'Äpfel');
  assert.equal(await read('utf16', Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()])), 'Äpfel');
  assert.equal(await read('utf32', utf32), 'Äpfel');
  assert.equal(await read('utf8', Buffer.from(text, 'latin1')), 'the text is not valid utf8');
  assert.equal(await read('ascii', Buffer.from(text)), 'the text is not valid ascii');
});

test('invalid_lines: drop leaves lines out and says which', async (t) => {
  const mltable =
    'paths: [{file: train.jsonl}]\ntransformations: [{read_json_lines: {invalid_lines: drop, include_path_column: true}}]';
  const folder = temporaryFolder(t, {
    ...images(10),
    MLTable: mltable,
    'train.jsonl': [...lines(10), 'x', '3'].join('\n'),
  });
  const result = await readTable(folder);
  assert.deepEqual(brief(result), [
    ['warning', 11, 'left out, as invalid_lines: drop asks: 2 that are not JSON objects (line 11, 12)', undefined],
  ]);
  assert.equal(result.dataset.records.length, 10);
});

test('a JSON document that is not JSON lines is one problem', async (t) => {
  const folder = temporaryFolder(t, { 'train.json': JSON.stringify([{ image_url: 'a', label: 'b' }, {}], null, 2) });
  const result = await readTable(join(folder, 'train.json'));
  assert.deepEqual(
    brief(result).map(([, , message]) => message),
    ['the file is one JSON document spread over several lines'],
  );
});

test('whatever a JSONL file holds, nothing is thrown and every line is a record or an issue', async (t) => {
  const value = fc.oneof(
    fc.json(),
    fc.constantFrom('"images/1.jpg"', '"cat"', '"azureml://x/paths/a"', '"file://"', '"\\u0000"', '"/"', '".."'),
  );
  const row = fc
    .tuple(value, value)
    .map(([url, label]) => `{"image_url": ${url}, "label": ${label}, "image_details": ${label}}`);
  const folder = temporaryFolder(t, images(3));
  const file = join(folder, 'train.jsonl');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(row, fc.string(), fc.json()), { minLength: 1, maxLength: 6 }), async (texts) => {
      writeFileSync(file, texts.map((text) => text.replaceAll(/[\r\n]/g, ' ')).join('\n'));
      const { dataset, issues } = await readTable(file, { role: 'validation' });
      assert.ok(dataset.records.length > 0 || issues.some((issue) => issue.severity === 'error'));
    }),
    { numRuns: 300 },
  );
});
