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
  assert.deepEqual(await recogniseObjects(at('boxes.jsonl')), {
    training: at('boxes.jsonl'),
    format: 'jsonl',
    task: 'detection',
  });
  assert.deepEqual(await recogniseObjects(at('parts')), {
    training: at('parts', 'train'),
    validation: at('parts', 'validation'),
    format: 'jsonl',
    task: 'detection',
  });
  assert.deepEqual(await recogniseObjects(at('other.jsonl'), 'objects'), {
    training: at('other.jsonl'),
    format: 'jsonl',
    task: 'detection',
  });
  for (const name of ['other.jsonl', 'classes.jsonl', 'several.jsonl', 'background.jsonl', 'pictures'])
    assert.equal(await recogniseObjects(at(name)), undefined, name);
});

test('outlines of all objects are for segmentation, unless they are the boxes again', async (t) => {
  const corners = { topX: 0, topY: 0, bottomX: 1, bottomY: 1 };
  const box = { label: 'cat', ...corners };
  const triangle = { label: 'cat', polygon: [[0, 0, 1, 0, 0.5, 1]] };
  const frame = { ...box, polygon: [[0, 0, 1, 0, 1, 1, 0, 1]] };
  const coco = (...segmentations: unknown[]) =>
    JSON.stringify({
      images: [{ id: 1, file_name: 'a.png', width: 40, height: 30 }],
      categories: [{ id: 1, name: 'cat' }],
      annotations: segmentations.map((segmentation, id) => {
        return { id, image_id: 1, category_id: 1, iscrowd: 0, bbox: [0, 0, 20, 20], segmentation };
      }),
    });
  const folder = temporaryFolder(t, {
    'outlines.jsonl': line([]) + line([triangle, { ...triangle, ...corners }]),
    'frames.jsonl': line([frame, frame]),
    'frames-alone.jsonl': line([{ label: 'cat', polygon: frame.polygon }]),
    'mixed.jsonl': line([triangle, box]),
    'coco/a.png': '',
    'coco/annotations.json': coco([[0, 0, 20, 0, 10, 20]], [[0, 0, 20, 0, 20, 20, 0, 20]]),
    'boxes/a.png': '',
    'boxes/annotations.json': coco([[0, 0, 20, 0, 20, 20, 0, 20]], []),
  });
  const tasks = async (...names: string[]) =>
    Promise.all(names.map(async (name) => (await recogniseObjects(join(folder, name)))?.task));
  assert.deepEqual(await tasks('outlines.jsonl', 'frames-alone.jsonl', 'coco'), Array(3).fill('segmentation'));
  assert.deepEqual(await tasks('frames.jsonl', 'mixed.jsonl', 'boxes'), Array(3).fill('detection'));
});
