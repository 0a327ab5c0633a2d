import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder } from '../temporary-folder.ts';
import { readJsonSections } from './json-sections.ts';

async function sectionsOf(file: string, text: string) {
  writeFileSync(file, text);
  const items: [string, unknown, number][] = [];
  const { rest, issues } = await readJsonSections(file, (...item) => items.push(item));
  return { items, rest, issues };
}

const file = (t: TestContext) => join(temporaryFolder(t), 'data.json');

test('lists of the top level come item by item, each with its line', async (t) => {
  const text =
    '\ufeff{"a": [\n  {"x": "]},[\\"é"},\n\n  [1, [2]], 3\n], "info": {"b": [1]}, "empty": [ ], "c": ["ü"]}\n';
  const { items, rest, issues } = await sectionsOf(file(t), text);
  assert.deepEqual(issues, []);
  assert.deepEqual(items, [
    ['a', { x: ']},["é' }, 2],
    ['a', [1, [2]], 4],
    ['a', 3, 4],
    ['c', 'ü', 5],
  ]);
  assert.deepEqual(rest, { a: [0, 0, 0], info: { b: [1] }, empty: [], c: [0] });
});

test('any JSON object is read as JSON.parse reads it', async (t) => {
  const path = file(t);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1), async (value, indent) => {
      const { items, rest, issues } = await sectionsOf(path, JSON.stringify(value, null, indent));
      assert.deepEqual(issues, []);
      const whole = { ...rest };
      for (const [name, member] of Object.entries(value))
        if (Array.isArray(member)) whole[name] = items.filter(([section]) => section === name).map(([, item]) => item);
      assert.deepEqual(JSON.stringify(whole), JSON.stringify(value));
    }),
  );
});

test('what is no JSON is told with its line, wherever it is cut', async (t) => {
  const path = file(t);
  const whole = '{"a": [\n {"x": 1},\n {"y": [2, "z"]}\n], "b": 2}';
  for (let end = 0; end < whole.length; end++) {
    const { issues } = await sectionsOf(path, whole.slice(0, end));
    assert.equal(issues.length, 1, whole.slice(0, end));
    assert.equal(issues[0].code, 'not-json');
  }
  const { issues } = await sectionsOf(path, whole.replace('[2,', '[2'));
  assert.deepEqual([issues[0].line, issues[0].message], [3, 'not JSON: unexpected "\\"", where , or ] should be']);
  for (const other of ['[]', '7', '[[1]]', '{"a": [1,]}', '{"a": [,1]}', '{"a": [1] "b": 2}', '{} {}'])
    assert.equal((await sectionsOf(path, other)).issues.length, 1, other);
});

test('a character that two reads of the disk share is whole', async (t) => {
  const pad = 'x'.repeat((1 << 20) - 8);
  for (const shift of ['', 'y', 'yy', 'yyy']) {
    const value = { a: [`${shift}${pad}é😀`], b: `${pad}é😀` };
    const { items, rest } = await sectionsOf(file(t), JSON.stringify(value));
    assert.equal(items[0][1], value.a[0]);
    assert.equal(rest.b, value.b);
  }
});
