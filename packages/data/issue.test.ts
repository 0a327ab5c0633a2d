import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues, type Issue, IssuesError, printable, throwIfErrors } from './issue.ts';

const error = (file: string, message: string, more: Partial<Issue> = {}): Issue => ({
  code: 'x',
  severity: 'error',
  file,
  message,
  ...more,
});

test('issues of data files are listed by line under a header with counts', () => {
  const issues = [
    error('/w/train.jsonl', 'not JSON: unexpected end of input at column 88', { line: 311 }),
    error('/w/train.jsonl', 'images/cat_017.jpg is not there (looked in data/images/)', { line: 17 }),
    error('/w/train.jsonl', 'stands in line 3 already', { line: 90, severity: 'warning' }),
  ];
  const report = formatIssues(issues, { folder: '/w', sources: new Map([['/w/train.jsonl', { lines: 1204 }]]) });
  assert.equal(
    report,
    `train.jsonl has 2 problems and 1 warning in 1,204 lines

  line 17   images/cat_017.jpg is not there (looked in data/images/)
  line 90   warning: stands in line 3 already
  line 311  not JSON: unexpected end of input at column 88`,
  );
});

test('issues of a file whose text is known stand under the line, with carets under the place', () => {
  const text = 'type: automl\nlimits:\n  max_trails: 10\n';
  const issue = error('job.yml', 'unknown key in limits', {
    line: 3,
    column: 3,
    length: 10,
    hint: 'did you mean max_trials?',
  });
  assert.equal(
    formatIssues([issue], { sources: new Map([['job.yml', text]]) }),
    `job.yml has 1 problem

  3 │   max_trails: 10
    │   ^^^^^^^^^^ unknown key in limits; did you mean max_trials?`,
  );
});

test('a place far to the right of a long line is still shown', () => {
  const text = `${'x'.repeat(5000)}HERE${'y'.repeat(5000)}`;
  const report = formatIssues([error('a.yml', 'wrong', { line: 1, column: 5001, length: 4 })], {
    sources: new Map([['a.yml', text]]),
  });
  const [, , shown, carets] = report.split('\n');
  assert.equal(shown.slice(carets.indexOf('^'), carets.indexOf('^') + 4), 'HERE');
  assert.ok(shown.length < 200);
});

test('issues without a line come first, in a block for each file', () => {
  const report = formatIssues([error('/a', 'second', { line: 2 }), error('/b', 'other'), error('/a', 'first')], {
    folder: '/c',
  });
  assert.equal(report, '/a has 2 problems\n\n          first\n  line 2  second\n\n/b has 1 problem\n\n  other');
});

test('names from files cannot move the cursor, colour the screen or turn the direction of writing', () => {
  const report = formatIssues([error('/w/\u001b[2Jx.jsonl', 'class "\u202ecat\nfine" \u0007')], { folder: '/w' });
  assert.equal(report, '\\u001b[2Jx.jsonl has 1 problem\n\n  class "\\u202ecat\\nfine" \\u0007');
  assert.equal(printable('größe 猫 🐈'), 'größe 猫 🐈');
});

test('a caret stays under its place behind tabs and escaped characters', () => {
  const report = formatIssues([error('a.yml', 'here', { line: 1, column: 4 })], {
    sources: new Map([['a.yml', '\t\u0007 Z']]),
  });
  const [, , shown, carets] = report.split('\n');
  assert.equal(shown[carets.indexOf('^')], 'Z');
});

test('very many issues are counted, not all printed; the error still holds them', () => {
  const issues = Array.from({ length: 250_000 }, (_, i) => error('/w/a', `m${i}`, { line: i + 1 }));
  const thrown = new IssuesError(issues, { folder: '/w' });
  assert.match(thrown.message, /^a has 250,000 problems\n/);
  assert.match(thrown.message, /… and 249,900 more$/);
  assert.equal(thrown.issues.length, 250_000);
});

test('only errors are thrown, but with the warnings beside them', () => {
  const warning = error('/a', 'odd', { severity: 'warning' });
  throwIfErrors([warning]);
  assert.throws(
    () => throwIfErrors([warning, error('/a', 'wrong')]),
    (thrown) => thrown instanceof IssuesError && thrown.issues.length === 2,
  );
});
