import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonFault } from './json-fault.ts';

test('the place and the reason of what is not JSON', () => {
  for (const [text, column, message] of [
    ['{"image_url": "a.jpg", "label": "cat"', 38, 'unexpected end, where , or } should be'],
    ['{"label": "cat}', 16, 'unexpected end, where a string is still open'],
    ['{"label": cat}', 11, 'unexpected "c", where a value should be'],
    ["{'label': 1}", 2, 'unexpected "\'", where a name in double quotes should be'],
    ['{"label" "cat"}', 10, 'unexpected "\\"", where : should be'],
    ['{"label": "cat",}', 17, 'unexpected "}", where a name in double quotes should be'],
    ['{"label": "c\\at"}', 13, 'unexpected "\\\\", which is no escape of JSON'],
    ['{"a": 1} {"a": 2}', 10, 'unexpected "{", after the end of the object'],
    ['{"a": 01}', 8, 'unexpected "1", where , or } should be'],
    ['', 1, 'unexpected end, where a value should be'],
    ['['.repeat(200_000), 1, 'brackets are nested too deeply'],
  ] as const) {
    assert.deepEqual(jsonFault(text), { column, message }, text.slice(0, 40));
  }
});

test('finds a fault exactly where JSON.parse does', () => {
  const parses = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[],:"\\0-e.tn \n\u0007'))
    .map(([text, at, character]) => {
      const i = at % (text.length + 1);
      return [text, text.slice(0, i) + character + text.slice(i + 1), text.slice(0, i)];
    });
  fc.assert(
    fc.property(damaged, (texts) => {
      for (const text of texts) assert.equal(jsonFault(text) === null, parses(text), text);
    }),
    { numRuns: 2000 },
  );
});
