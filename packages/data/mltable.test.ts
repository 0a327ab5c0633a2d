import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMltable } from './mltable.ts';

const STANDARD = `paths:
  - file: ./train_annotations.jsonl
transformations:
  - read_json_lines:
        encoding: utf8
        invalid_lines: error
        include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info`;

const issuesOf = (text: string) =>
  parseMltable(text, 'MLTable').issues.map(({ line, column, length, message, hint }) => [
    line,
    column,
    length,
    message,
    hint,
  ]);

test('the MLTable of every Azure sample is read', () => {
  const { table, issues } = parseMltable(STANDARD, 'MLTable');
  assert.deepEqual(issues, []);
  assert.deepEqual(table, {
    paths: [{ file: './train_annotations.jsonl' }],
    transformations: [
      { read_json_lines: { encoding: 'utf8', invalid_lines: 'error', include_path_column: false } },
      { convert_column_types: [{ columns: ['image_url'], column_type: 'stream_info' }] },
    ],
  });
});

test('defaults are filled in, parameters may be left out', () => {
  const { table } = parseMltable(
    'type: mltable\npaths: [{folder: .}]\ntransformations:\n  - read_delimited:\n  - take: 5\n',
    'MLTable',
  );
  assert.equal(table?.transformations[0].read_delimited?.header, 'all_files_same_headers');
  assert.equal(table?.transformations[0].read_delimited?.infer_column_types, true);
});

test('unknown keys are shown in their place with the nearest right name', () => {
  assert.deepEqual(issuesOf(STANDARD.replace('paths', 'pahts')), [
    [undefined, undefined, undefined, 'paths is missing', 'say where the data is: paths: [{file: ./train.jsonl}]'],
    [1, 1, 5, 'unknown key in an MLTable', 'did you mean paths?'],
  ]);
  assert.deepEqual(issuesOf(STANDARD.replace('invalid_lines', 'invalid_line')), [
    [6, 9, 12, 'unknown key in read_json_lines', 'did you mean invalid_lines?'],
  ]);
  assert.deepEqual(issuesOf(STANDARD.replace('read_json_lines', 'read_jsonlines')), [
    [4, 5, 14, 'unknown key in transformations', 'did you mean read_json_lines?'],
  ]);
  assert.deepEqual(issuesOf(STANDARD.replace('- file:', '- flie:')), [
    [2, 5, 4, 'unknown key in paths', 'did you mean file?'],
  ]);
  assert.match(String(issuesOf(STANDARD.replace('columns:', 'colours:'))[1][3]), /unknown key in convert_column_types/);
});

test('wrong values are shown in their place', () => {
  assert.deepEqual(issuesOf(STANDARD.replace('invalid_lines: error', 'invalid_lines: drpo')), [
    [6, 24, 4, 'invalid_lines must be one of error, drop, not a string ("drpo")', 'did you mean drop?'],
  ]);
  assert.deepEqual(
    issuesOf(STANDARD.replace('include_path_column: false', 'include_path_column: maybe'))[0].slice(0, 4),
    [7, 30, 5, 'include_path_column must be true or false, not a string ("maybe")'],
  );
  assert.deepEqual(issuesOf(STANDARD.replace('stream_info', 'stream'))[0].slice(3), [
    'column_type must be one of stream_info, string, int, float, boolean, not a string ("stream")',
    undefined,
  ]);
  assert.deepEqual(issuesOf(`${STANDARD}\n  - take: -1`)[0].slice(0, 4), [
    11,
    11,
    2,
    'take must be at least 0, not a number (-1)',
  ]);
  assert.deepEqual(
    issuesOf(`${STANDARD}\n  - take_random_sample: {probability: 2}`)[0][3],
    'probability must be at most 1, not a number (2)',
  );
  assert.equal(issuesOf('paths: []')[0][3], 'paths must be given (it is empty), not a list');
  assert.equal(issuesOf('')[0][3], 'the file is empty');
  assert.equal(issuesOf('- a')[0][3], 'an MLTable must be a map of keys, not a list');
});

test('what is not supported is refused with what to do instead', () => {
  for (const step of [
    'read_parquet: {}',
    'read_delta_lake: {version_as_of: 1}',
    'filter: col("a") > 1',
    'extract_columns_from_partition_format: x',
  ]) {
    const [[line, , , message, hint]] = issuesOf(`paths: [{file: a}]\ntransformations:\n  - ${step}\n`);
    assert.equal(line, 3);
    assert.match(String(message), /is not supported yet$/);
    assert.match(String(hint), /^(write|leave) /);
  }
  for (const path of [
    'azureml://datastores/x/paths/y',
    'https://e.org/x.jsonl',
    'wasbs://c@a.blob.core.windows.net/x',
    'abfss://f@a.dfs.core.windows.net/x/',
    'azureml:fridge:1',
  ]) {
    assert.deepEqual(issuesOf(STANDARD.replace('./train_annotations.jsonl', path)), [
      [
        2,
        11,
        path.length,
        'remote paths are not supported yet',
        'download the data and write its path relative to this file, as in ./train.jsonl',
      ],
    ]);
  }
});

test('files are read by one transformation, the first', () => {
  assert.equal(issuesOf('paths: [{file: a}]')[0][3], 'no transformation says how the files are read');
  assert.equal(
    issuesOf('paths: [{file: a}]\ntransformations: [take: 3, read_json_lines: {}]')[0][3],
    'the files are read once, by the first transformation',
  );
  assert.equal(
    issuesOf('paths: [{file: a, folder: b}]\ntransformations: [read_json_lines: {}]')[0][3],
    'each path is one of file, folder or pattern',
  );
  assert.equal(
    issuesOf('paths: [{file: a}]\ntransformations: [{read_json_lines: {}, take: 3}]')[0][3],
    'each transformation is an item of its own, with one key',
  );
});

test('YAML that is none, and YAML that explodes, is an issue and no crash', () => {
  assert.match(String(issuesOf('paths: [')[0][3]), /^not YAML/);
  assert.match(String(issuesOf('paths: *nothing')[0][3]), /^not YAML/);
  assert.match(String(issuesOf('a: 1\na: 2')[0][3]), /^not YAML: Map keys must be unique/);
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghij'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefghij'[i]},`.repeat(9)}]`),
  ].join('\n');
  assert.match(String(issuesOf(bomb)[0][3]), /^not YAML/);
});

test('whatever the file holds, there are issues or a table, never a crash', () => {
  const anything = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.nat(STANDARD.length), fc.nat(20), fc.string({ maxLength: 8 }))
      .map(([at, cut, text]) => STANDARD.slice(0, at) + text + STANDARD.slice(at + cut)),
    fc.json().map((json) => `paths: ${json}\ntransformations: ${json}`),
    fc
      .json()
      .map(
        (json) =>
          `paths: [{file: a}]\ntransformations: [{read_json_lines: ${json}}, {take: ${json}}, {convert_column_types: ${json}}]`,
      ),
  );
  fc.assert(
    fc.property(anything, (text) => {
      const { table, issues } = parseMltable(text, 'MLTable');
      assert.equal(table === null, issues.length > 0);
      for (const issue of issues)
        assert.ok(issue.message !== '' && !/undefined|\[object/.test(issue.message), issue.message);
    }),
    { numRuns: 1000 },
  );
});
