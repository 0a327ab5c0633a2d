import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Refusal } from '../../refusal.ts';
import type { InputItem } from './input-item.ts';
import { listInput } from './list-input.ts';

let folder: string;
let picture: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-input-'));
  picture = fileURLToPath(new URL('../../../serving/fixtures/shapes/pictures/disc/0.png', import.meta.url));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const listed = async (
  path: string,
  { pattern = null, confined = false }: { pattern?: string | null; confined?: boolean } = {},
) => Array.fromAsync(listInput({ path, pattern, confined }));
const names = (items: readonly InputItem[]) => items.map(({ name }) => name);
const kinds = (items: readonly InputItem[]) => items.map(({ source }) => source.kind);
const faults = (items: readonly InputItem[]) =>
  items.map(({ source }) => (source.kind === 'fault' ? source.message : ''));

/** A folder with these files, each a picture unless it has text. */
function made(name: string, files: Record<string, string | null>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    const whole = join(root, path);
    mkdirSync(join(whole, '..'), { recursive: true });
    if (text === null) copyFileSync(picture, whole);
    else writeFileSync(whole, text);
  }
  return root;
}

test('pictures of a folder, however deep, by name; what is hidden, or no picture, is left out', async () => {
  const root = made('deep', {
    'b.png': null,
    'a/z.JPG': null,
    'a/2/x.png': null,
    'a.txt': 'no',
    '.hidden.png': null,
    '__MACOSX/._b.png': null,
  });
  const items = await listed(root);
  assert.deepEqual(names(items), ['a/2/x.png', 'a/z.JPG', 'b.png']);
  const [{ source }] = items;
  assert.ok(source.kind === 'file' && source.bytes > 0 && source.modified > 0);
});

test('links are followed, but not in circles, and not out of what somebody may read', async () => {
  const root = made('links', { 'in/a.png': null });
  symlinkSync(root, join(root, 'in', 'up'));
  symlinkSync(picture, join(root, 'out.png'));
  symlinkSync(join(root, 'nowhere'), join(root, 'gone.png'));
  const open = await listed(root);
  assert.deepEqual(names(open), ['gone.png', 'in/a.png', 'out.png']);
  assert.deepEqual(kinds(open), ['fault', 'file', 'file']);
  assert.deepEqual(faults(await listed(root, { confined: true })), [
    'it lies outside of the input',
    '',
    'it lies outside of the input',
  ]);
});

test('a pattern, a single picture, and a folder of nothing', async () => {
  const root = made('some', { 'b1.png': null, 'b2.png': null, 'c.png': null });
  assert.deepEqual(names(await listed(root, { pattern: 'b*.png' })), ['b1.png', 'b2.png']);
  assert.deepEqual(names(await listed(join(root, 'c.png'))), ['c.png']);
  await assert.rejects(
    listed(root, { pattern: '*.gif' }),
    (error) => error instanceof Refusal && /no file fits \*\.gif/.test(error.message),
  );
  await assert.rejects(listed(made('none', { 'a.txt': 'x' })), /there are no pictures in/);
});

test('rows of JSON lines: paths beside the file, data: addresses, base64, and requests to explain', async () => {
  const base64 = 'iVBORw0KGgo'.repeat(12);
  const rows = [
    { image_url: 'p/a.png' },
    { image: `data:image/png;base64,${base64}` },
    { image: base64, model_explainability: true, xai_parameters: { xai_algorithm: 'guided_gradcam' } },
    { image: JSON.stringify({ image_base64: base64, model_explainability: true }) },
    { image: 'https://example.org/x.jpg' },
    { image_url: 'p/none.png' },
    { picture: 'p/a.png' },
    { image: base64, model_explainability: 'maybe' },
    { image: base64, xai_parameters: '{"n_steps": 5}', model_explainability: 'true' },
  ];
  const root = made('lines', { 'p/a.png': null, 'rows.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') });
  const items = await listed(join(root, 'rows.jsonl'));
  assert.deepEqual(kinds(items), [
    'file',
    'base64',
    'base64',
    'base64',
    'address',
    'fault',
    'fault',
    'fault',
    'base64',
  ]);
  assert.deepEqual(names(items).slice(0, 6), [
    'p/a.png',
    'rows.jsonl:2',
    'rows.jsonl:3',
    'rows.jsonl:4',
    'https://example.org/x.jpg',
    'p/none.png',
  ]);
  assert.deepEqual(
    items.map(({ explain }) => explain ?? null),
    [null, null, { xai_algorithm: 'guided_gradcam' }, {}, null, null, null, null, { n_steps: 5 }],
  );
  assert.match(faults(items)[5], /it is not there; looked in .*p/);
  assert.match(faults(items)[6], /no column image or image_url; it has picture/);
  const [, second] = items;
  assert.deepEqual(second.source, { kind: 'base64', base64 });
  assert.deepEqual(kinds(await listed(root)).length, 1, 'beside pictures, a table is no input');
});

test('CSV with base64 over several lines, and a folder with an MLTable', async () => {
  const wrapped = `${'A'.repeat(76)}\n${'B'.repeat(20)}`;
  const root = made('csv', { 'rows.csv': `image\n"${wrapped}"\nx.png\n` });
  assert.deepEqual(kinds(await listed(join(root, 'rows.csv'))), ['base64', 'fault']);
  const table = made('table', {
    'pics/a.png': null,
    'rows.jsonl': '{"image_url": "pics/a.png"}\n{"image_url": "azureml://datastores/x/paths/up/pics/a.png"}\n',
    MLTable: 'paths: [{file: ./rows.jsonl}]\ntransformations: [{read_json_lines: {}}]\n',
  });
  assert.deepEqual(kinds(await listed(table)), ['file', 'file']);
  assert.deepEqual(kinds(await listed(join(table, 'MLTable'))), ['file', 'file']);
  writeFileSync(join(table, 'rows.jsonl'), 'no json');
  await assert.rejects(listed(table), /not JSON/);
  writeFileSync(join(table, 'rows.jsonl'), '{"image_url": "/etc/hostname"}\n{"image_url": "pics/a.png"}\n');
  assert.deepEqual(kinds(await listed(table, { confined: true })), ['fault', 'file']);
});
