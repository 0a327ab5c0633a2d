import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readImageFolder } from './image-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

const files = (prefix: string, n: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`${prefix}/${i}.jpg`, 'x']));
const brief = ({ issues }: ReturnType<typeof readImageFolder>) =>
  issues.map(({ severity, message }) => [severity, message]);

test('a folder of class folders: each folder is a class, with all that is below it', (t) => {
  const folder = temporaryFolder(t, {
    ...files('dogs', 6),
    ...files('cats/tabby', 4),
    ...files('cats', 2),
    'cats/.DS_Store': '',
    'cats/Thumbs.db': '',
  });
  const { train, validation, issues } = readImageFolder(folder);
  assert.deepEqual(issues, []);
  assert.equal(validation, undefined);
  assert.deepEqual(train.classes, ['cats', 'dogs']);
  assert.equal(train.records.length, 12);
  const { file, labels, source, bytes } = train.records[2];
  assert.deepEqual(
    { file, labels, source, bytes },
    { file: join(folder, 'cats/tabby/0.jpg'), labels: ['cats'], source: { file: folder }, bytes: 1 },
  );
});

test('train/ with val/, valid/ or validation/ beside it are two sets; other folders are left out and said', (t) => {
  for (const name of ['val', 'valid', 'validation', 'Val']) {
    const folder = temporaryFolder(t, {
      ...files('train/a', 6),
      ...files('train/b', 6),
      ...files(`${name}/a`, 2),
      ...files(`${name}/b`, 1),
      ...files('test/a', 2),
      ...files('more/a', 2),
    });
    const result = readImageFolder(folder);
    assert.deepEqual(brief(result), [['warning', 'more/ is left out']]);
    assert.deepEqual([result.train.records.length, result.validation?.records.length, result.testImages], [12, 3, 2]);
    const parts = (['train', 'validation', 'test'] as const).map((part) =>
      readImageFolder(folder, { part, role: 'validation' }),
    );
    assert.deepEqual(
      parts.map(({ train, validation, issues }) => [train.records.length, validation, issues]),
      [12, 3, 2].map((images) => [images, undefined, []]),
    );
  }
  const unseen = temporaryFolder(t, { ...files('train/a', 6), ...files('train/b', 6), ...files('val/a', 2) });
  assert.deepEqual(brief(readImageFolder(unseen)), [['warning', 'no validation image has "b"']]);
  assert.deepEqual(brief(readImageFolder(unseen, { part: 'test' })), [['error', 'there is no test/']]);
  const trainOnly = readImageFolder(temporaryFolder(t, { ...files('train/a', 6), ...files('train/b', 6) }));
  assert.deepEqual([trainOnly.issues, trainOnly.validation], [[], undefined]);
  const both = temporaryFolder(t, {
    ...files('train/a', 6),
    ...files('train/b', 6),
    ...files('val/a', 2),
    ...files('valid/a', 2),
  });
  assert.deepEqual(brief(readImageFolder(both)), [['error', 'there are val/ and valid/']]);
});

test('a class may be called train', (t) => {
  const result = readImageFolder(temporaryFolder(t, { ...files('train', 6), ...files('plane', 6) }));
  assert.deepEqual(result.issues, []);
  assert.deepEqual(result.train.classes, ['plane', 'train']);
});

test('a class of the validation set that training does not know is an error', (t) => {
  const folder = temporaryFolder(t, {
    ...files('train/ants', 6),
    ...files('train/bees', 6),
    ...files('val/ant', 2),
    ...files('val/bees', 2),
  });
  const [issue] = readImageFolder(folder).issues;
  assert.deepEqual(
    [issue.severity, issue.message, issue.hint],
    ['error', 'the class "ant" (2 images) is not in the training data', 'did you mean ants?'],
  );
});

test('files that are no images are left out and named', (t) => {
  const folder = temporaryFolder(t, {
    ...files('a', 6),
    ...files('b', 6),
    'a/notes.txt': '',
    'b/sub/labels.csv': '',
    'readme.md': '',
  });
  assert.deepEqual(brief(readImageFolder(folder)), [
    ['warning', 'a/notes.txt is left out: not an image by its name'],
    ['warning', 'b/sub/labels.csv is left out: not an image by its name'],
  ]);
});

test('sets that cannot be trained on are refused, each with its reason', (t) => {
  const wrong = (content: Record<string, string | null>) =>
    brief(readImageFolder(temporaryFolder(t, content))).map(([, message]) => message);
  assert.deepEqual(wrong({}), ['it has no class folders']);
  assert.deepEqual(wrong({ ...files('.', 12) }), [
    '0.jpg, 1.jpg, 10.jpg, 11.jpg, 2.jpg and 7 more lie in no class folder',
  ]);
  assert.deepEqual(wrong({ ...files('a', 6), ...files('b', 6), 'c.png': '' }), ['c.png lies in no class folder']);
  assert.deepEqual(wrong({ ...files('a', 12), b: null }), ['b/ has no images']);
  assert.deepEqual(wrong({ ...files('a', 12) }), ['all images are of one class, "a"']);
  assert.deepEqual(wrong({ ...files('a', 5), ...files('b', 4) }), ['there are only 9 images']);
  const small = temporaryFolder(t, files('a', 1));
  assert.deepEqual(readImageFolder(small, { role: 'validation' }).issues, []);
  assert.deepEqual(wrong({ 'train/a': null, 'train/b': null }), ['train/a/ has no images', 'train/b/ has no images']);
});

test('a path that is no folder is refused', (t) => {
  const folder = temporaryFolder(t, { 'a.txt': '' });
  assert.deepEqual(brief(readImageFolder(join(folder, 'a.txt'))), [['error', 'it is a file, not a folder']]);
  assert.deepEqual(brief(readImageFolder(join(folder, 'b'))), [['error', 'there is no such folder']]);
});

test('links are followed, but not in circles; one into nothing is an error', (t) => {
  const elsewhere = temporaryFolder(t, files('cats', 6));
  const folder = temporaryFolder(t, { ...files('a', 6), b: null });
  symlinkSync(join(elsewhere, 'cats'), join(folder, 'b/cats'));
  symlinkSync(folder, join(folder, 'a/up'));
  const circle = readImageFolder(folder);
  assert.deepEqual(circle.issues, []);
  assert.equal(circle.train.records.length, 12);
  symlinkSync(join(folder, 'nowhere.jpg'), join(folder, 'b/x.jpg'));
  assert.deepEqual(brief(readImageFolder(folder)), [['error', 'b/x.jpg is a link to something that is not there']]);
});
