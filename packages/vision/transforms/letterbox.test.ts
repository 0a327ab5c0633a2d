import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { resizeLinear } from '@fovea/data/resize-linear';
import { letterbox, letterboxGeometry } from './letterbox.ts';

const noise = (width: number, height: number, seed: number) =>
  new Uint8Array(width * height * 3).map((_, i) => (Math.imul(i, 2654435761) + seed * 977) >>> 24);

test('images are resized to the bytes that OpenCV gives', () => {
  // cv2.resize(…, interpolation=cv2.INTER_LINEAR) of OpenCV on the same noise; the first halves both sides.
  for (const [width, height, toWidth, toHeight, seed, sha256] of [
    [152, 114, 76, 57, 0, '2417474524431496bc2eaa2a73583d7b932d5136d5afc1aba1e59a87d9830da8'],
    [92, 25, 46, 28, 1, 'f5c3a7caf7d25a8e2f6bc4ef95d61e48259446889a3039720c79d09e8a558547'],
    [16, 28, 4, 7, 2, 'd1c0e3680934a9291299ec243881e6d140d5589a267debc2473052b5a07e8bd8'],
    [2, 16, 122, 97, 3, '2c05ccd6449b6bd8918bdf6d1577f5926e19e8669c6b51e2c65dfed295f8f55c'],
    [252, 140, 63, 35, 20, 'cc8327fd99a162bc634765ab2b526582ed5e0f829221cec4ee08aa0ce2fabc0c'],
  ] as const) {
    const resized = resizeLinear(noise(width, height, seed), { width, height }, { width: toWidth, height: toHeight });
    assert.equal(createHash('sha256').update(resized).digest('hex'), sha256, `${width} × ${height}`);
  }
});

test('a canvas of whole strides is as small as it can be, and the odd pixel goes to the right and below', () => {
  const placement = letterboxGeometry({ width: 33, height: 61 }, 64, { scaleUp: false });
  assert.deepEqual(placement, {
    resized: { width: 33, height: 61 },
    canvas: { width: 64, height: 64 },
    left: 15,
    top: 1,
    ratioX: 1,
    ratioY: 1,
    padding: { x: 15.5, y: 1.5 },
  });
  const canvas = letterbox(new Uint8Array(33 * 61 * 3).fill(9), { width: 33, height: 61 }, placement);
  const at = (x: number, y: number) => canvas[(y * 64 + x) * 3];
  assert.deepEqual([at(14, 1), at(15, 0), at(15, 1), at(47, 61), at(48, 61), at(47, 62)], [114, 114, 9, 9, 114, 114]);
});
