import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Outcome } from './ask-instance.ts';
import type { InputItem, MiniBatch } from './input-item.ts';
import { type Scored, scoreMiniBatch } from './score-mini-batch.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-mini-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const picture = (text: string): InputItem => ({ name: text, source: { kind: 'base64', base64: text } });
const batchOf = (...items: InputItem[]): MiniBatch => ({ number: 0, first: 0, items });
const answered = (elements: readonly string[]): Outcome => ({
  kind: 'answered',
  answers: elements.map((element) => ({ said: element })),
});
const failed = (message: string): Outcome => ({ kind: 'failed', message, isTimeout: false });

/** @param ask what an instance does */
async function scored(
  batch: MiniBatch,
  ask: (elements: readonly string[], alone: boolean) => Outcome,
  maxRetries = 3,
  explain: object | null = null,
) {
  const asked: { elements: readonly string[]; alone: boolean }[] = [];
  const results = await scoreMiniBatch(batch, {
    ask: async (elements, alone) => {
      asked.push({ elements, alone });
      return ask(elements, alone);
    },
    ...{ maxRetries, explain, say: () => {} },
  });
  return { results: results.map((one: Scored) => ('answer' in one ? one.answer.said : one.error)), asked };
}

test('a mini-batch is one request', async () => {
  const { results, asked } = await scored(batchOf(picture('a'), picture('b'), picture('c')), answered);
  assert.deepEqual(results, ['a', 'b', 'c']);
  assert.deepEqual(asked, [{ elements: ['a', 'b', 'c'], alone: false }]);
});

test('what is refused fails alone', async () => {
  const ask = (elements: readonly string[]): Outcome =>
    elements.includes('b') ? { kind: 'refused', message: 'b is no picture' } : answered(elements);
  const { results, asked } = await scored(batchOf(picture('a'), picture('b'), picture('c')), ask);
  assert.deepEqual(results, ['a', 'b is no picture', 'c']);
  assert.equal(asked.length, 4);
});

test('what kills processes is asked alone as often as is allowed, and fails alone', async () => {
  const ask = (elements: readonly string[]): Outcome =>
    elements.includes('b') ? failed('killed') : answered(elements);
  const { results, asked } = await scored(batchOf(picture('a'), picture('b'), picture('c')), ask, 2);
  assert.deepEqual(results, ['a', 'killed, in each of 3 tries', 'c']);
  assert.deepEqual(
    asked.map(({ elements, alone }) => `${elements.join('')}${alone ? ' alone' : ''}`),
    ['abc', 'a alone', 'b alone', 'b alone', 'c alone'],
  );
});

test('what fails once is forgotten; without retries it is not', async () => {
  let first = true;
  const ask = (elements: readonly string[]): Outcome => {
    if (!first) return answered(elements);
    first = false;
    return failed('busy');
  };
  assert.deepEqual((await scored(batchOf(picture('a'), picture('b')), ask)).results, ['a', 'b']);
  first = true;
  const { results, asked } = await scored(batchOf(picture('a'), picture('b')), ask, 0);
  assert.deepEqual(results, ['busy', 'busy']);
  assert.equal(asked.length, 1);
});

test('large pictures go in several requests', async () => {
  const large = 'A'.repeat(9 * 2 ** 20);
  const { asked } = await scored(batchOf(picture(large), picture(large), picture(large), picture('b')), answered);
  assert.deepEqual(
    asked.map(({ elements }) => elements.length),
    [2, 2],
  );
});

test('a file that changed, vanished or is empty fails, and the others do not', async () => {
  const fileItem = (name: string, text: string): InputItem => {
    const path = join(folder, name);
    writeFileSync(path, text);
    const { size, mtimeMs } = statSync(path);
    return { name, source: { kind: 'file', path, bytes: size, modified: mtimeMs } };
  };
  const items = [fileItem('a', 'one'), fileItem('b', 'two'), fileItem('c', 'three'), fileItem('d', '')];
  writeFileSync(join(folder, 'b'), 'longer');
  rmSync(join(folder, 'c'));
  const fault: InputItem = { name: 'e', source: { kind: 'fault', message: 'no column' } };
  const { results, asked } = await scored(batchOf(...items, fault), answered);
  assert.deepEqual(results.slice(1), [
    'the file has changed since the job was started',
    'the file is not there any more',
    'the file is empty',
    'no column',
  ]);
  assert.deepEqual(
    asked.map(({ elements }) => elements),
    [[Buffer.from('one').toString('base64')]],
  );
});

test('explanations are asked for as online requests do; what a row asks for wins', async () => {
  const own: InputItem = { ...picture('b'), explain: { n_steps: 5 } };
  const address: InputItem = { name: 'c', source: { kind: 'address', url: 'https://example.org/c.jpg' } };
  const { asked } = await scored(batchOf(picture('a'), own, address), answered);
  assert.deepEqual(asked[0].elements[0], 'a');
  assert.deepEqual(JSON.parse(asked[0].elements[1]), {
    image_base64: 'b',
    model_explainability: true,
    xai_parameters: { n_steps: 5 },
  });
  assert.equal(asked[0].elements[2], 'https://example.org/c.jpg');
  const all = await scored(batchOf(picture('a'), own, address), answered, 3, { xai_algorithm: 'xrai' });
  assert.deepEqual(
    all.asked[0].elements.map((text) => JSON.parse(text).xai_parameters),
    [{ xai_algorithm: 'xrai' }, { xai_algorithm: 'xrai', n_steps: 5 }],
  );
  assert.match(String(all.results[2]), /by its address is not explained/);
});
