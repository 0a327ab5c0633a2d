import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobFile } from '../spec/job-file.ts';
import { parseJob } from '../spec/parse.ts';
import { readYamlSource } from './yaml-source.ts';

function report(text: string): string[] {
  return readYamlSource(text, 'job.yml', jobFile).issues.map(
    ({ line, column, message, hint }) =>
      `${line ?? '-'}:${column ?? '-'} ${message}${hint === undefined ? '' : `; ${hint}`}`,
  );
}

test('a key that is given twice names the first', () => {
  assert.deepEqual(report('a: 1\nb: 2\na: 3\n'), ['3:1 a is given twice (first in line 1)']);
});

test('syntax errors stand at their place, all of them', () => {
  const issues = report('a: [1, 2\nb: "x\n');
  assert.ok(issues.length >= 2);
  for (const issue of issues) assert.match(issue, /^\d+:\d+ \S/);
});

test('a tab as indentation', () => {
  assert.deepEqual(report('limits:\n\tmax_trials: 3\n').at(0), '2:1 indented with a tab; YAML is indented with spaces');
});

const documents: [name: string, text: string, message: string][] = [
  ['an empty file', '', '-:- the file is empty; a job needs at least type, task, target_column_name and training_data'],
  [
    'only comments',
    '# nothing\n',
    '-:- the file is empty; a job needs at least type, task, target_column_name and training_data',
  ],
  ['a list', '- a\n', '1:1 a job is a map of keys (type: automl, task: …), this is a list'],
  ['a word', 'hello\n', '1:1 a job is a map of keys (type: automl, task: …), this is a single value'],
  ['bytes', 'a\0b', '-:- the file is not text: it holds NUL characters'],
];
for (const [name, text, message] of documents) {
  test(`not a job: ${name}`, () => assert.deepEqual(report(text), [message]));
}

test('two documents in one file', () => {
  assert.match(report('a: 1\n---\nb: 2\n').join(), /multiple documents/i);
});

test('aliases and merge keys are written out; keys of the map itself win', () => {
  const { value, issues, source } = readYamlSource(
    'base: &base {a: 1, b: 2}\nother: &other {c: 3}\njob:\n  <<: [*base, *other]\n  b: 5\nagain: *base\n',
    'job.yml',
    jobFile,
  );
  assert.deepEqual(issues, []);
  assert.deepEqual(value, { base: { a: 1, b: 2 }, other: { c: 3 }, job: { b: 5, a: 1, c: 3 }, again: { a: 1, b: 2 } });
  assert.equal(source.place(['job', 'c']).line, 2);
  assert.equal(source.place(['again']).line, 6);
});

test('what is set through one alias does not change the other', () => {
  const { job } = parseJob(
    'type: automl\ntask: image_classification\ntarget_column_name: label\ntraining_data: &d {path: a}\nvalidation_data: *d\n',
    { file: 'job.yml', set: ['validation_data.path=b'] },
  );
  assert.deepEqual([job?.training_data.path, job?.validation_data?.path], ['a', 'b']);
});

test('an alias without anchor, one inside its own anchor, and a merge of no map', () => {
  assert.match(report('a: *x\n').join(), /^1:4 /);
  assert.deepEqual(report('a: &a {b: *a}\n'), ['1:11 the alias *a refers to the value that it is part of']);
  assert.deepEqual(report('a: {<<: 3}\n'), ['1:5 << takes a map, or a list of maps']);
});

test('aliases of aliases that grow without bound are refused at once', () => {
  const levels = Array.from(
    { length: 30 },
    (_, i) =>
      `l${i}: &l${i} [${
        i === 0
          ? '1, 1'
          : Array(9)
              .fill(`*l${i - 1}`)
              .join(', ')
      }]`,
  );
  const start = performance.now();
  assert.deepEqual(report(levels.join('\n')), [
    '-:- more than 20,000 values, aliases written out; write the values out instead of repeating them with aliases (*name)',
  ]);
  assert.ok(performance.now() - start < 5000);
});

test('ten megabytes are refused before they are read', () => {
  assert.deepEqual(report('a: 1\n'.repeat(2_000_000)), [
    '-:- the file has 10,000,000 characters; a job file has at most 1,048,576; is this really a job file?',
  ]);
});

test('nesting without end is a report', () => {
  for (const text of ['['.repeat(50_000), `a: ${'{a: '.repeat(3000)}1${'}'.repeat(3000)}`, '- '.repeat(20_000)]) {
    assert.ok(report(text).length > 0);
  }
});

test('keys that are no words are refused, numbers are taken as their text', () => {
  assert.deepEqual(report('? [a]\n: 1\n'), ['1:3 a key must be a word']);
  assert.deepEqual(report('__proto__: {polluted: 1}\n'), ['1:1 a key must be a word']);
  assert.deepEqual(readYamlSource('2024: x\n', 'job.yml', jobFile).value, { 2024: 'x' });
});

test('a tag that YAML does not know is refused, so that nothing of the sort is ever run', () => {
  assert.match(report('a: !!python/object/apply:os.system ["id"]\n').join(), /^1:4 .*tag/i);
});

test('Windows line ends and a byte order mark do not shift columns', () => {
  const { source } = readYamlSource('\u{FEFF}a: 1\r\nb:\r\n  c: 2\r\n', 'job.yml', jobFile);
  const { line, column, length } = source.place(['b', 'c']);
  assert.deepEqual([line, column, length], [3, 6, 1]);
});

test('a place of what is not there is that of the nearest thing around it', () => {
  const { source } = readYamlSource('a:\n  b: {c: 1}\n', 'job.yml', jobFile);
  assert.deepEqual(source.place(['a', 'b', 'x', 'y']), { file: 'job.yml', line: 2, column: 3, length: 1 });
  assert.deepEqual(source.place(['z']), { file: 'job.yml' });
});
