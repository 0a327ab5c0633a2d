import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ObjectRecord } from '@fovea/data';
import sharp from 'sharp';
import { type ShownSample, shownSamples } from './shown-samples.ts';

test('where a job asks for tiles they are shown too, with the boxes that lie in them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-samples-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'half.png');
  const red = { create: { width: 100, height: 80, channels: 3 as const, background: 'red' } };
  await sharp({ create: { width: 200, height: 80, channels: 3, background: 'black' } })
    .composite([{ input: await sharp(red).png().toBuffer(), left: 100, top: 0 }])
    .toFile(file);
  const record: ObjectRecord = {
    ...{ file, source: { file: 'x.jsonl' }, width: 200, height: 80, bytes: 1 },
    objects: [{ label: 'patch', box: [0.6, 0, 0.7, 1], crowd: false }],
  };
  const dataset = { name: 'train', classes: ['patch'], records: [record], parts: undefined };
  for (const model of ['fasterrcnn_resnet18_fpn', 'yolov5']) {
    const sizes = model === 'yolov5' ? { image_size: 64 } : { min_size: 64, max_size: 160 };
    const shown: ShownSample[] = [];
    for await (const sample of shownSamples(
      { task: 'image_object_detection', dataset },
      {
        ...{ model, count: 9, seed: 1, validation: true },
        hyperparameters: { ...sizes, tile_grid_size: '2x1', tile_overlap_ratio: 0 },
      },
    ))
      shown.push(sample);
    const middle = ({ picture: { pixels, width, height } }: ShownSample) =>
      pixels[3 * ((height >> 1) * width + (width >> 1))];
    assert.deepEqual(
      shown.slice(1).map((sample) => [middle(sample), sample.objects.length]),
      [
        [0, 0],
        [255, 1],
      ],
    );
    assert.equal(shown[0].objects.length, 1);
    const [{ box }] = shown[2].objects;
    assert.ok(Math.abs(box[2] - box[0] - 2 * (shown[0].objects[0].box[2] - shown[0].objects[0].box[0])) < 0.11);
  }
});
