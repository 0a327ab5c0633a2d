import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MASK_DEFAULTS, MASK_RULES } from '@fovea/automl/model-folder';
import { maskArea, maskBox, maskOverlap, polygonsMask } from '@fovea/data/masks';
import { pasteMasks } from '@fovea/vision/transforms';
import { maskAnswers } from './mask-answers.ts';

const SIDE = 28;
const image = { width: 320, height: 200 };
/** A disc, a ring, and nothing. */
const masks = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
  const [object, cell] = [Math.floor(i / SIDE ** 2), i % SIDE ** 2];
  const distance = Math.hypot((cell % SIDE) - 13.5, Math.floor(cell / SIDE) - 13.5);
  if (object === 2) return 0.1;
  return distance < 12 && (object === 0 || distance > 5) ? 0.9 : 0.05;
});
const boxes = [20, 30, 120, 130, 150.5, 20.25, 310, 180, 5, 5, 15, 15];
const found = { masks, side: SIDE, boxes };

test('masks are answered as polygons in shares of the image, of not too many points, with their holes', async () => {
  const expected = pasteMasks(found, image);
  for (const mostPoints of [100, 30]) {
    const answers = await maskAnswers(expected, { ...MASK_DEFAULTS, max_number_of_polygon_points: mostPoints });
    for (const [k, answer] of answers.entries()) {
      assert.ok('polygon' in answer);
      const { polygon } = answer;
      assert.equal(polygon.length, k === 2 ? 0 : 1);
      for (const piece of polygon) {
        assert.ok(piece.length <= 2 * mostPoints, `${piece.length / 2} points`);
        assert.ok(piece.every((share) => share >= 0 && share <= 1));
        const pixels = piece.map((share, i) => share * (i % 2 === 0 ? image.width : image.height));
        const overlap = maskOverlap(polygonsMask([pixels], image.height, image.width), expected[k]);
        assert.ok(overlap > (mostPoints === 100 ? 0.985 : 0.95), `${overlap}`);
      }
    }
  }
});

test('or as pictures of the size of the image', async () => {
  for (const [image_type, start] of [
    ['png', '89504e47'],
    ['JPG', 'ffd8ff'],
    ['BMP', '424d'],
  ] as const) {
    const [disc] = await maskAnswers(pasteMasks(found, image), { ...MASK_DEFAULTS, export_as_image: true, image_type });
    assert.ok('mask' in disc && !('polygon' in disc));
    assert.ok(Buffer.from(disc.mask, 'base64').toString('hex').startsWith(start));
  }
});

test('a lower threshold takes more pixels in', () => {
  const [low, high] = [0.2, 0.8].map((threshold) => pasteMasks(found, image, threshold)[0]);
  assert.ok(maskArea(low) > maskArea(high));
  assert.ok(maskBox(low)[2] >= maskBox(high)[2]);
});

test('settings are what Azure documents, and odd ones are told', () => {
  const wrong = (key: keyof typeof MASK_RULES, value: unknown) => MASK_RULES[key](value);
  for (const [key, value] of Object.entries(MASK_DEFAULTS))
    assert.equal(wrong(key as keyof typeof MASK_RULES, value), null);
  assert.equal(wrong('image_type', 'png'), null);
  assert.match(wrong('image_type', 'gif') ?? '', /JPG, PNG, BMP/);
  assert.match(wrong('max_number_of_polygon_points', 2) ?? '', /3 or more/);
  assert.match(wrong('max_number_of_polygon_points', 1.5) ?? '', /whole number/);
  assert.match(wrong('mask_pixel_score_threshold', 1.2) ?? '', /0 … 1/);
  assert.match(wrong('export_as_image', 'yes') ?? '', /true or false/);
});
