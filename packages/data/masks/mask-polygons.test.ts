import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { maskPolygons } from './mask-polygons.ts';
import { maskParts } from './mask-rings.ts';
import { polygonsMask } from './polygon-mask.ts';
import { encodeMask, maskArea, maskOverlap, type RunLengths } from './run-lengths.ts';

const masks = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }))
  .chain(([height, width, rarity]) =>
    fc
      .array(fc.nat(rarity), { minLength: width * height, maxLength: width * height })
      // Of rare gaps, holes; of as many gaps as pixels, parts that touch at corners.
      .map((pixels) => encodeMask(rarity === 1 ? pixels : pixels.map((pixel) => Math.min(1, pixel)), height, width)),
  );

/** A mask of the pixels whose centres a function takes. */
function drawn(height: number, width: number, isIn: (x: number, y: number) => boolean): RunLengths {
  const pixels = Uint8Array.from({ length: height * width }, (_, i) =>
    isIn(Math.floor(i / height) + 0.5, (i % height) + 0.5) ? 1 : 0,
  );
  return encodeMask(pixels, height, width);
}

const again = (polygons: readonly number[][], { height, width }: RunLengths): RunLengths =>
  polygons.length === 0
    ? encodeMask(new Uint8Array(height * width), height, width)
    : polygonsMask(polygons, height, width);

describe('the outline of a mask', () => {
  test('is that mask when it is drawn, holes included', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        assert.deepEqual(again(maskPolygons(mask), mask), mask);
      }),
      { numRuns: 1000 },
    );
  });

  test('has a part for each group of pixels that hang together by their sides, and its holes', () => {
    const diagonal = drawn(2, 2, (x, y) => Math.floor(x) === Math.floor(y));
    assert.deepEqual(maskParts(diagonal), [
      { outer: [0, 0, 1, 0, 1, 1, 0, 1], holes: [] },
      { outer: [1, 1, 2, 1, 2, 2, 1, 2], holes: [] },
    ]);
    const ring = drawn(3, 3, (x, y) => x !== 1.5 || y !== 1.5);
    assert.deepEqual(maskParts(ring), [{ outer: [0, 0, 3, 0, 3, 3, 0, 3], holes: [[1, 1, 1, 2, 2, 2, 2, 1]] }]);
    assert.deepEqual(maskPolygons(ring), [[0, 0, 1, 0, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 0, 3, 0, 3, 3, 0, 3]]);
    assert.deepEqual(maskPolygons(encodeMask(new Uint8Array(6), 2, 3)), []);
  });

  test('may have runs of no pixels in it, and may go over the ends of columns', () => {
    const mask = { height: 2, width: 3, counts: Uint32Array.of(1, 1, 0, 2, 0, 1, 1) };
    assert.deepEqual(maskPolygons(mask), [[0, 1, 1, 1, 1, 0, 3, 0, 3, 1, 2, 1, 2, 2, 0, 2]]);
  });
});

describe('the outline with a limit of points', () => {
  test('keeps to it and to the mask', () => {
    const wavy = fc.record({
      radius: fc.integer({ min: 20, max: 45 }),
      waves: fc.integer({ min: 2, max: 7 }),
      depth: fc.double({ min: 0, max: 0.3, noNaN: true }),
      hole: fc.double({ min: 0, max: 0.45, noNaN: true }),
      mostPoints: fc.integer({ min: 40, max: 100 }),
    });
    fc.assert(
      fc.property(wavy, ({ radius, waves, depth, hole, mostPoints }) => {
        const mask = drawn(100, 120, (x, y) => {
          const [dx, dy] = [x - 60, y - 50];
          const edge = radius * (1 + depth * Math.sin(waves * Math.atan2(dy, dx)));
          const distance = Math.hypot(dx, dy);
          return distance < edge && distance > radius * hole;
        });
        const polygons = maskPolygons(mask, { mostPoints });
        for (const polygon of polygons) assert.ok(polygon.length / 2 <= mostPoints, `${polygon.length / 2} points`);
        const overlap = maskOverlap(again(polygons, mask), mask);
        assert.ok(overlap > 0.93, `${overlap} of ${maskArea(mask)} pixels`);
      }),
      { numRuns: 100 },
    );
  });

  test('is as it was where there are few points, and never has less than three', () => {
    const box = drawn(50, 50, (x, y) => x > 3 && x < 40 && y > 5 && y < 45);
    assert.deepEqual(maskPolygons(box, { mostPoints: 6 }), [[3, 5, 40, 5, 40, 45, 3, 45]]);
    fc.assert(
      fc.property(masks, fc.integer({ min: 3, max: 30 }), (mask, mostPoints) => {
        for (const polygon of maskPolygons(mask, { mostPoints })) {
          assert.ok(polygon.length >= 6 && polygon.length <= 2 * mostPoints, `${polygon.length / 2} points`);
          assert.ok(polygon.every(Number.isFinite));
        }
      }),
    );
    assert.throws(() => maskPolygons(box, { mostPoints: 2 }), /3 is the least/);
  });
});

test('thousands of holes, as noise has them, are joined in no time', () => {
  const random = drawn(300, 300, (x, y) => (x * 7919 + y * 104729 + x * y * 31) % 11 > 0.9);
  const begun = performance.now();
  const polygons = maskPolygons(random);
  assert.ok(performance.now() - begun < 5000);
  assert.ok(
    polygons.some(({ length }) => length > 20_000),
    `${polygons.map(({ length }) => length)}`,
  );
  assert.deepEqual(again(polygons, random), random);
});
