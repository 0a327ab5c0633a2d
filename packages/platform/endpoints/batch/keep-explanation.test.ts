import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keepExplanation } from './keep-explanation.ts';

const root = mkdtempSync(join(tmpdir(), 'fovea-explanations-'));
after(() => rmSync(root, { recursive: true, force: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('pictures and numbers that explain an answer are files, named by the place of the picture in the input', async () => {
  const folder = join(root, 'explanations');
  const plain = { probs: [1], labels: ['cat'] };
  assert.equal(await keepExplanation(plain, folder, 0), plain);
  const one = await keepExplanation({ ...plain, visualizations: base64('drawn'), attributions: [[0.5]] }, folder, 11);
  assert.deepEqual(one, {
    ...plain,
    visualizations: 'explanations/000012.png',
    attributions: 'explanations/000012.json',
  });
  // Of a multi-label model, a picture for each class that it sees.
  const several = await keepExplanation({ ...plain, visualizations: [base64('a'), base64('b')] }, folder, 0);
  assert.deepEqual(several, { ...plain, visualizations: ['explanations/000001-1.png', 'explanations/000001-2.png'] });
  assert.deepEqual(readdirSync(folder).sort(), ['000001-1.png', '000001-2.png', '000012.json', '000012.png']);
  assert.equal(readFileSync(join(folder, '000012.png'), 'utf8'), 'drawn');
  assert.equal(readFileSync(join(folder, '000012.json'), 'utf8'), '[[0.5]]\n');
});
