import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mixSeeds, type Size, torchRandom } from '../transforms/index.ts';
import { boxesInSample, pixelsOfSample, planSample, type SampleOptions, warpAffine, yolov5Targets } from './augment.ts';

const SIZE = 96;
const SIZES: Size[] = [
  { width: 120, height: 60 },
  { width: 50, height: 75 },
  { width: 96, height: 96 },
  { width: 200, height: 40 },
];
const options = (over: Partial<SampleOptions> = {}): SampleOptions => ({
  size: SIZE,
  count: SIZES.length,
  sizeOf: (image) => SIZES[image],
  mosaic: true,
  affine: { degrees: 20, translate: 0.1, scale: 0.4, shear: 5 },
  ...over,
});
const plan = (seed: number, over: Partial<SampleOptions> = {}) =>
  planSample(seed % SIZES.length, options(over), torchRandom(mixSeeds(7, 0, seed)));

/** Black, with one bright box in the middle half. */
const picture = (image: number) => {
  const { width, height } = SIZES[image];
  const box = [width / 4, height / 4, (3 * width) / 4, (3 * height) / 4].map(Math.round);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = box[1]; y < box[3]; y++) pixels.fill(255, (y * width + box[0]) * 3, (y * width + box[2]) * 3);
  return { width, height, pixels, boxes: { corners: box, classes: [image] } };
};

describe('a plan', () => {
  test('is the same for the same seed, and another for another', () => {
    assert.deepEqual(plan(3), plan(3));
    assert.notDeepEqual(plan(3), plan(7));
    assert.deepEqual(JSON.parse(JSON.stringify(plan(3))), plan(3), 'plain data, so that workers can be sent it');
  });

  test('of a mosaic lays four images around a point in the middle half, none over another', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { canvas, tiles } = plan(seed);
      assert.deepEqual(canvas, { width: 2 * SIZE, height: 2 * SIZE });
      assert.equal(tiles[0].image, seed % SIZES.length);
      const [x, y] = [tiles[3].left, tiles[3].top];
      assert.ok(Math.min(x, y) >= SIZE / 2 && Math.max(x, y) < 1.5 * SIZE);
      for (const [corner, { source, left, top, resized }] of tiles.entries()) {
        assert.equal(Math.max(resized.width, resized.height), SIZE);
        assert.ok(source.left >= 0 && source.left + source.width <= resized.width);
        assert.ok(source.top >= 0 && source.top + source.height <= resized.height);
        assert.equal(corner % 2 === 0 ? left + source.width : left, x);
        assert.equal(corner < 2 ? top + source.height : top, y);
        assert.ok(left >= 0 && left + source.width <= 2 * SIZE && top >= 0 && top + source.height <= 2 * SIZE);
      }
    }
  });

  test('without mosaic and map is the letterbox', () => {
    const one = plan(0, { mosaic: false, affine: null });
    assert.equal(one.affine, null);
    assert.equal(one.flip, false);
    assert.deepEqual(one.canvas, one.output);
    assert.deepEqual(one.tiles[0].resized, { width: 96, height: 48 });
    assert.equal(one.tiles[0].top, 24);
  });

  test('without map shows the middle of the mosaic', () => {
    assert.deepEqual(plan(1, { affine: null }).affine, [1, 0, -SIZE / 2, 0, 1, -SIZE / 2]);
  });
});

test('boxes lie where their objects are, whatever was done to the image', () => {
  let seen = 0;
  for (const mosaic of [true, false]) {
    for (const affine of [null, { degrees: 0, translate: 0.1, scale: 0.5, shear: 0 }]) {
      for (let seed = 0; seed < 12; seed++) {
        const one = plan(seed, { mosaic, affine });
        const pixels = pixelsOfSample(one, picture);
        assert.equal(pixels.length, SIZE * SIZE * 3);
        const { corners, classes, dropped } = boxesInSample(one, (image) => picture(image).boxes);
        assert.equal(classes.length + dropped, one.tiles.length);
        for (let i = 0; i < classes.length; i++) {
          const [x1, y1, x2, y2] = corners.subarray(4 * i, 4 * i + 4);
          const bright = (x: number, y: number) => pixels[(Math.floor(y) * SIZE + Math.floor(x)) * 3];
          // Within: bright; three pixels beyond each edge, as far as that is in the image: not.
          assert.ok(bright((x1 + x2) / 2, (y1 + y2) / 2) > 200, `middle of box ${i} of plan ${seed}`);
          for (const [x, y] of [
            [x1 - 3, (y1 + y2) / 2],
            [x2 + 3, (y1 + y2) / 2],
            [(x1 + x2) / 2, y1 - 3],
            [(x1 + x2) / 2, y2 + 3],
          ]) {
            if (x < 0 || y < 0 || x >= SIZE || y >= SIZE) continue;
            assert.ok(bright(x, y) < 128, `edge of box ${i} of plan ${seed}`);
            seen++;
          }
        }
      }
    }
  }
  assert.ok(seen > 100);
});

test('a turned box is the box around its corners', () => {
  const turned = {
    ...plan(2, { mosaic: false, affine: null }),
    affine: [0, 1, 0, -1, 0, SIZE] as const,
  };
  const { corners } = boxesInSample(turned, () => ({ corners: [10, 20, 40, 90], classes: [0] }));
  assert.deepEqual([...corners], [20, 56, 90, 86]);
});

test('what is outside, or too little inside, is dropped and counted', () => {
  const boxes = (corners: number[]) => ({ corners, classes: Array(corners.length / 4).fill(1) });
  const letterboxed = plan(2, { mosaic: false, affine: null });
  const some = boxesInSample(letterboxed, () => boxes([-20, 0, -5, 9, 5, 5, 5, 9, 90, 90, 120, 120]));
  assert.deepEqual([...some.corners], [90, 90, 96, 96]);
  assert.equal(some.dropped, 2);
  const shifted = { ...letterboxed, affine: [1, 0, 80, 0, 1, 0] as const };
  const rest = boxesInSample(shifted, () => boxes([0, 0, 90, 20, 0, 0, 200, 20, 0, 0, 40, 40, 0, 0, 1, 40]));
  assert.deepEqual([...rest.corners], [80, 0, 96, 20, 80, 0, 96, 20, 80, 0, 96, 40]);
  assert.equal(rest.dropped, 1);
  const thin = boxesInSample({ ...letterboxed, affine: [1, 0, 0, 0, 1, 0] }, () => boxes([0, 0, 3, 90]), '5.0');
  assert.equal(thin.dropped, 1);
});

test('flipping mirrors pixels and boxes', () => {
  const plain = plan(2, { mosaic: false, affine: null });
  const flipped = { ...plain, flip: true };
  const { corners } = boxesInSample(flipped, () => ({ corners: [10, 20, 40, 90], classes: [0] }));
  assert.deepEqual([...corners], [56, 20, 86, 90]);
  const pixels = Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => i % 251);
  const original = () => ({ width: SIZE, height: SIZE, pixels });
  const [a, b] = [plain, flipped].map((one) => pixelsOfSample(one, original));
  assert.deepEqual([...b.subarray(0, 3)], [...a.subarray((SIZE - 1) * 3, SIZE * 3)]);
  assert.deepEqual(
    pixels,
    Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => i % 251),
  );
});

describe('an affine map of pixels', () => {
  const size = { width: 4, height: 3 };
  const pixels = Uint8Array.from({ length: 36 }, (_, i) => 7 * i);

  test('that changes nothing changes nothing', () => {
    assert.deepEqual(warpAffine(pixels, size, [1, 0, 0, 0, 1, 0], size, 114), pixels);
  });

  test('by half a pixel takes means, with the border outside', () => {
    const moved = warpAffine(pixels, size, [1, 0, 0.5, 0, 1, 0], size, 114);
    const red = (of: Uint8Array, x: number) => of[3 * x];
    assert.equal(red(moved, 0), 57); // (114 + 0) / 2
    assert.equal(red(moved, 1), 11); // 10.5 is rounded up
    assert.equal(red(moved, 3), (red(pixels, 2) + red(pixels, 3) + 1) >> 1);
  });

  test('to another size fills what is not covered', () => {
    const large = warpAffine(pixels, size, [1, 0, 1, 0, 1, 1], { width: 6, height: 5 }, 114);
    assert.deepEqual([...large.subarray(0, 18)], Array(18).fill(114));
    assert.deepEqual([...large.subarray(6 * 3 + 3, 6 * 3 + 15)], [...pixels.subarray(0, 12)]);
  });

  test('that flattens the image has no way back', () => {
    assert.throws(() => warpAffine(pixels, size, [1, 1, 0, 1, 1, 0], size, 0), /without an inverse/);
  });
});

test('targets of a batch are rows of image, class and normalised centre and size', () => {
  const samples = [
    { corners: Float32Array.of(0, 16, 32, 64), classes: Int32Array.of(3) },
    { corners: new Float32Array(0), classes: new Int32Array(0) },
    { corners: Float32Array.of(0, 0, 64, 64, 16, 16, 32, 32), classes: Int32Array.of(1, 2) },
  ];
  assert.deepEqual(
    [...yolov5Targets(samples, 64)],
    [0, 3, 0.25, 0.625, 0.5, 0.75, 2, 1, 0.5, 0.5, 1, 1, 2, 2, 0.375, 0.375, 0.25, 0.25],
  );
});
