import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { contactSheet } from './contact-sheet.ts';

test('a right answer is framed green, a wrong one red, and the pictures stand in rows by label', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-sheet-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'grey.png');
  await sharp({ create: { width: 40, height: 60, channels: 3, background: '#808080' } }).toFile(file);
  const answer = (label: string, predicted: string) => ({ file, label, predicted, probability: 0.9 });
  const sheet = await contactSheet([answer('b', 'a'), answer('a', 'a')], ['a', 'b'], { columns: 2 });
  const { data, info } = await sharp(sheet).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [222, 256]);
  const pixel = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  assert.deepEqual(pixel(7, 7), [0x1a, 0x98, 0x50]);
  assert.deepEqual(pixel(50, 50), [0x80, 0x80, 0x80]);
  assert.deepEqual(pixel(7, 132), [0xd7, 0x30, 0x27]);
  assert.deepEqual(pixel(120, 50), [255, 255, 255]);
});
