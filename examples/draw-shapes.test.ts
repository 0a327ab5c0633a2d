import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { drawShapes, type ShapeSet } from './draw-shapes.ts';

test('draws the same labelled set each time, and not again where it lies', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-shapes-'));
  t.after(() => rm(folder, { recursive: true }));
  const few: ShapeSet = { kind: 'one', training: 15, validation: 5 };
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  assert.deepEqual(await drawShapes(one, few), { images: 20, classes: 5, drawn: true });
  assert.deepEqual(await drawShapes(one, few), { images: 20, classes: 5, drawn: false });
  await drawShapes(two, few);
  assert.equal(await digest(one), await digest(two));

  const annotations = join(one, 'validation-mltable-folder/annotations.jsonl');
  const lines = (await readFile(annotations, 'utf8')).trim().split('\n');
  assert.equal(lines.length, 5);
  const { image_url, image_details, label } = JSON.parse(lines[0]);
  const { width, height } = await sharp(resolve(dirname(annotations), image_url)).metadata();
  assert.deepEqual([width, height, label], [image_details.width, image_details.height, 'circle']);
});

test('scenes have none to three shapes, and their names as a list', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-scenes-'));
  t.after(() => rm(folder, { recursive: true }));
  await drawShapes(folder, { kind: 'several', training: 24, validation: 1 });
  const lines = (await readFile(join(folder, 'training-mltable-folder/annotations.jsonl'), 'utf8')).trim().split('\n');
  const counts = lines.map((line) => JSON.parse(line).label.length);
  assert.deepEqual([...new Set(counts)].sort(), [0, 1, 2, 3]);
});

/** Of all files below a folder, by name and content. */
async function digest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file.slice(folder.length)).update(await readFile(file));
  return hash.digest('hex');
}
