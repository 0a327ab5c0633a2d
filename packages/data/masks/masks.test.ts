import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { boxMask, polygonMask, polygonsMask } from './polygon-mask.ts';
import { maskFromText, maskToText } from './run-length-text.ts';
import { decodeMask, encodeMask, maskArea, maskBox, maskOverlap, mergeMasks, runLengths } from './run-lengths.ts';

// The figures of pycocotools are in goldens/goldens.test.ts; these are statements that hold for any mask.

const [HEIGHT, WIDTH] = [7, 9];
const pixels = fc.array(fc.nat(1), { minLength: HEIGHT * WIDTH, maxLength: HEIGHT * WIDTH });
const encode = (each: number[]) => encodeMask(each, HEIGHT, WIDTH);
const count = (each: ArrayLike<number>) => Array.from(each).reduce((sum, pixel) => sum + pixel, 0);

describe('a mask', () => {
  test('is the same after it was encoded, written as text and read again', () => {
    fc.assert(
      fc.property(pixels, (each) => {
        const mask = encode(each);
        assert.deepEqual([...decodeMask(maskFromText(maskToText(mask), HEIGHT, WIDTH))], each);
      }),
    );
  });

  test('has the area and the box of its pixels', () => {
    fc.assert(
      fc.property(pixels, (each) => {
        const inside = each.flatMap((pixel, i) => (pixel ? [[Math.floor(i / HEIGHT), i % HEIGHT]] : []));
        const [xs, ys] = [0, 1].map((axis) => inside.map((place) => place[axis]));
        const [x, y] = [Math.min(...xs), Math.min(...ys)];
        const box = [x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1];
        assert.equal(maskArea(encode(each)), inside.length);
        assert.deepEqual(maskBox(encode(each)), inside.length ? box : [0, 0, 0, 0]);
      }),
    );
  });

  test('joined with others, or laid over another, is what its pixels are', () => {
    fc.assert(
      fc.property(pixels, pixels, (a, b) => {
        const union = a.map((pixel, i) => pixel | b[i]);
        const intersection = a.map((pixel, i) => pixel & b[i]);
        assert.deepEqual(mergeMasks([encode(a), encode(b)]), encode(union));
        assert.deepEqual(mergeMasks([encode(a), encode(b)], 'intersection'), encode(intersection));
        const both = count(intersection);
        assert.equal(maskOverlap(encode(a), encode(b)), both && both / count(union));
        assert.equal(maskOverlap(encode(a), encode(b), true), both && both / count(a));
      }),
    );
  });

  test('may have runs of length 0', () => {
    const mask = runLengths([2, 0, 0, 3, 0, 1, 0], 2, 3);
    assert.deepEqual([...decodeMask(mask)], [0, 0, 1, 1, 1, 1]);
    assert.deepEqual([...mergeMasks([mask, mask]).counts], [2, 4]);
    assert.equal(maskOverlap(mask, mask), 1);
    assert.deepEqual(maskBox(mask), [1, 0, 2, 2]);
  });

  test('may be larger than 2³¹ pixels', () => {
    const mask = runLengths([2 ** 31, 2 ** 30], 2 ** 16, 49152);
    assert.deepEqual(maskFromText(maskToText(mask), 2 ** 16, 49152), mask);
    assert.equal(maskArea(mask), 2 ** 30);
    assert.deepEqual(maskBox(mask), [32768, 0, 16384, 65536]);
  });

  test('that is damaged is refused, with what is wrong', () => {
    assert.throws(() => runLengths([3, 4], 2, 3), /the runs of the mask make up 7 pixels; a mask of 2 × 3 has 6/);
    assert.throws(() => runLengths([7, -1], 2, 3), /run 1 of the mask is -1/);
    assert.throws(() => maskFromText('1~', 2, 3), /character 1 of the compressed mask is "~"/);
    assert.throws(() => maskFromText('0f', 2, 3), /it was cut off/);
    assert.throws(() => maskFromText('0O', 2, 3), /run 1 of the mask is -1/);
    assert.throws(() => encodeMask([1], 2, 3), /has 6 pixels, not 1/);
    assert.throws(() => mergeMasks([]), /no masks to merge/);
    assert.throws(
      () => maskOverlap(runLengths([6], 2, 3), runLengths([6], 3, 2)),
      /masks of 2 × 3 and 3 × 2 pixels cannot be laid over each other/,
    );
  });
});

describe('a polygon', () => {
  test('on whole pixels covers them', () => {
    assert.deepEqual(maskBox(boxMask([1, 2, 5, 3], HEIGHT, WIDTH)), [1, 2, 5, 3]);
    assert.equal(maskArea(boxMask([1, 2, 5, 3], HEIGHT, WIDTH)), 15);
  });

  test('is cut off at the borders of the image', () => {
    assert.equal(maskArea(polygonMask([-50, -50, 50, -50, 50, 50, -50, 50], HEIGHT, WIDTH)), HEIGHT * WIDTH);
    assert.equal(maskArea(polygonMask([20, 0, 30, 0, 30, 5], HEIGHT, WIDTH)), 0);
  });

  test('one of several: what lies in any of them', () => {
    const mask = polygonsMask(
      [
        [0, 0, 2, 0, 2, 2, 0, 2],
        [1, 1, 3, 1, 3, 3, 1, 3],
      ],
      HEIGHT,
      WIDTH,
    );
    assert.equal(maskArea(mask), 7);
  });

  test('that is none is refused', () => {
    assert.throws(() => polygonMask([], HEIGHT, WIDTH), /this has 0 numbers/);
    assert.throws(() => polygonMask([1, 2, 3], HEIGHT, WIDTH), /this has 3 numbers/);
    assert.throws(() => polygonMask([1, Number.NaN], HEIGHT, WIDTH), /coordinate 1 of the polygon is NaN/);
    assert.throws(() => polygonMask([1e12, 0], HEIGHT, WIDTH), /coordinate 0 of the polygon is 1000000000000/);
  });
});
