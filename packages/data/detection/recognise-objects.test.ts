import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../temporary-folder.ts';
import { recogniseObjects } from './recognise-objects.ts';

const line = (label: unknown) => `${JSON.stringify({ image_url: 'a.png', label })}\n`;
const boxes = line([]) + line([{ label: 'cat', topX: 0, topY: 0, bottomX: 1, bottomY: 1 }]);
const table = 'paths:\n  - file: ./annotations.jsonl\ntransformations:\n  - read_json_lines:\n      encoding: utf8\n';

test('tables of objects are told from those of classes, and from folders of pictures', async (t) => {
  const folder = temporaryFolder(t, {
    'boxes.jsonl': boxes,
    'other.jsonl': boxes.replaceAll('"label":[', '"objects":['),
    'classes.jsonl': line('cat') + line('dog'),
    'several.jsonl': line(['cat', 'dog']),
    'background.jsonl': line([]),
    'parts/train/MLTable': table,
    'parts/train/annotations.jsonl': boxes,
    'parts/validation/MLTable': table,
    'parts/validation/annotations.jsonl': boxes,
    'pictures/cat/note.txt': '',
  });
  const at = (...names: string[]) => join(folder, ...names);
  assert.deepEqual(await recogniseObjects(at('boxes.jsonl')), { training: at('boxes.jsonl'), format: 'jsonl' });
  assert.deepEqual(await recogniseObjects(at('parts')), {
    training: at('parts', 'train'),
    validation: at('parts', 'validation'),
    format: 'jsonl',
  });
  assert.deepEqual(await recogniseObjects(at('other.jsonl'), 'objects'), {
    training: at('other.jsonl'),
    format: 'jsonl',
  });
  for (const name of ['other.jsonl', 'classes.jsonl', 'several.jsonl', 'background.jsonl', 'pictures'])
    assert.equal(await recogniseObjects(at(name)), undefined, name);
});
