import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeImage } from '../decode.ts';
import { decodeMask, encodeMask } from '../masks/run-lengths.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { maskPicture } from './mask-picture.ts';

const [WIDTH, HEIGHT] = [21, 13];

test('a picture of a mask has its pixels', async (t) => {
  const folder = temporaryFolder(t);
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    Math.hypot(i / HEIGHT - 9, (i % HEIGHT) - 6) < 5 ? 1 : 0,
  );
  const mask = encodeMask(pixels, HEIGHT, WIDTH);
  for (const type of ['png', 'jpg', 'bmp'] as const) {
    const file = join(folder, `mask.${type}`);
    writeFileSync(file, await maskPicture(mask, type));
    const read = await decodeImage({ file, resize: { width: WIDTH, height: HEIGHT } });
    const found = decodeMask(mask).map((_, i) => {
      const grey = read.pixels[3 * ((i % HEIGHT) * WIDTH + Math.floor(i / HEIGHT))];
      if (type !== 'jpg') assert.ok(grey === 0 || grey === 255);
      return grey >= 128 ? 1 : 0;
    });
    assert.deepEqual(found, pixels, type);
  }
});
