// A Mask R-CNN in a model folder answers with the masks that the engine gives.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { maskArea, maskOverlap, type RunLengths } from '@fovea/data/masks';
import { pasteMasks } from '@fovea/vision/transforms';
import sharp from 'sharp';
import { engineMasks } from './fixtures/engine-masks.ts';
import { openModel } from './index.ts';

/** A folder in order, whose network another takes the place of. */
const rings = fileURLToPath(new URL('./fixtures/rings', import.meta.url));
/** Of these sides the picture is not resized. */
const image = { width: 96, height: 64 };
const THRESHOLD = 0.05;

async function folderWith(onnx: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-mask-parity-'));
  await cp(rings, folder, { recursive: true });
  await writeFile(join(folder, 'artifacts/model.onnx'), onnx);
  const metadata = JSON.parse(await readFile(join(folder, 'fovea.json'), 'utf8'));
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  metadata.files['artifacts/model.onnx'] = { sha256, bytes: onnx.length };
  await writeFile(join(folder, 'fovea.json'), JSON.stringify(metadata));
  const settings = { min_size: image.height, max_size: image.width, box_score_thresh: THRESHOLD };
  const file = join(folder, 'artifacts/settings.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  return folder;
}

test('served masks are those of the engine, pixel by pixel', async (t) => {
  const engine = engineMasks(image, { threshold: THRESHOLD });
  const folder = await folderWith(engine.onnx);
  t.after(() => rm(folder, { recursive: true }));
  const pixels = Uint8Array.from(
    { length: 3 * image.width * image.height },
    (_, i) => (i * i * 31 + (i >> 5) * 57) & 255,
  );
  const raw = { ...image, channels: 3 } as const;
  const png = await sharp(pixels, { raw }).png().toBuffer();

  const served = await openModel(folder, { threads: 1 });
  t.after(() => served.close());
  assert.ok(served.task === 'image_instance_segmentation');
  const [answer] = await served.find([png]);
  assert.ok('masks' in answer, JSON.stringify(answer));

  const { scores, ...found } = engine.find(pixels);
  const expected: RunLengths[] = pasteMasks(found, image);

  assert.ok(expected.length > 10, `${expected.length} objects`);
  assert.ok(expected.some((mask) => maskArea(mask) > 50 && maskArea(mask) < 0.9 * image.width * image.height));
  assert.equal(answer.masks.length, expected.length);
  // Of equally sure objects either may come first.
  const different = answer.masks.filter((mask, i) => {
    const same = expected.filter((_, k) => Math.abs(scores[k] - answer.boxes[i].score) < 1e-5);
    return !same.some((one) => maskArea(one) + maskArea(mask) === 0 || maskOverlap(one, mask) > 0.99);
  });
  assert.deepEqual(different.map(maskArea), []);
});
