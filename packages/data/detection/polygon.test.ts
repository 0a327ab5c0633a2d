import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { polygonArea } from '../masks/polygon-area.ts';
import { judgeBox } from './box.ts';
import { judgePolygon } from './polygon.ts';
import { untangle } from './untangle-polygon.ts';

const frame = { extent: [100, 100] as const, width: 100, height: 100 };
const repair = { repair: true };
const told = ({ problems }: ReturnType<typeof judgePolygon>) =>
  problems.map(({ severity, code, hint }) => [severity, code, hint?.includes('repaired') ?? false]);

const outside = [50, 50, 150, 50, 150, 90, 50, 90];
const bowTie = [10, 10, 50, 50, 50, 10, 10, 50];

describe('what is wrong with a polygon', () => {
  test('is mended only when that is asked for, and then it is said', () => {
    assert.deepEqual(told(judgePolygon(outside, frame)), [['error', 'polygon-outside', false]]);
    const cut = judgePolygon(outside, frame, repair);
    assert.deepEqual(cut.polygons, [[0.5, 0.5, 1, 0.5, 1, 0.9, 0.5, 0.9]]);
    assert.deepEqual(told(cut), [['warning', 'polygon-outside', true]]);

    const crossed = judgePolygon(bowTie, frame);
    assert.deepEqual(crossed.polygons, [bowTie.map((value) => value / 100)]);
    assert.deepEqual(told(crossed), [['warning', 'polygon-crosses-itself', false]]);
    const apart = judgePolygon(bowTie, frame, repair);
    assert.equal(apart.polygons.length, 2);
    for (const polygon of apart.polygons) assert.ok(Math.abs(polygonArea(polygon) - 0.04) < 1e-12);
    assert.deepEqual(told(apart), [['warning', 'polygon-crosses-itself', true]]);

    assert.deepEqual(told(judgePolygon([1, 1, 5, 5], frame)), [['error', 'polygon-too-short', false]]);
    assert.deepEqual(told(judgePolygon([1, 1, 5, 5], frame, repair)), [['warning', 'polygon-too-short', false]]);
    assert.deepEqual(judgePolygon([120, 10, 140, 10, 140, 40], frame, repair).polygons, []);
    const tiny = [5, 5, 5.5, 5, 5.5, 5.5];
    assert.deepEqual(judgePolygon(tiny, frame).polygons.length, 1);
    assert.deepEqual(
      [judgePolygon(tiny, frame, repair).polygons, told(judgePolygon(tiny, frame, repair))],
      [[], [['warning', 'polygon-tiny', false]]],
    );
    assert.deepEqual(told(judgePolygon([1, 1, 5], frame, repair)), [['error', 'polygon-odd', false]]);
  });

  test('a loop of any polygon crosses nothing, and goes round clockwise', () => {
    const share = fc.nat(1000).map((value) => value / 1000);
    fc.assert(
      fc.property(fc.array(fc.tuple(share, share), { minLength: 3, maxLength: 9 }), (points) => {
        for (const loop of untangle(points.flat())) {
          assert.ok(loop.length >= 6);
          const { polygons, problems } = judgePolygon(loop, { extent: [1, 1], width: 0, height: 0 });
          assert.ok(problems.every(({ code }) => code !== 'polygon-crosses-itself') || polygonArea(loop) < 1e-6);
          assert.ok(polygons.length <= 1);
        }
      }),
    );
  });
});

test('boxes are mended alike', () => {
  const names = ['x1', 'y1', 'x2', 'y2'] as const;
  const mended = (corners: [number, number, number, number]) => {
    const { box, problems } = judgeBox(corners, names, frame, repair);
    return [box, ...problems.map(({ code }) => code)];
  };
  assert.equal(judgeBox([60, 20, 30, 40], names, frame).box, undefined);
  assert.deepEqual(mended([60, 20, 30, 40]), [[0.3, 0.2, 0.6, 0.4], 'box-turned']);
  assert.deepEqual(mended([60, 20, 130, 40]), [[0.6, 0.2, 1, 0.4], 'box-outside']);
  assert.deepEqual(mended([130, 20, 160, 40]), [undefined, 'box-outside']);
  assert.deepEqual(mended([10, 20, 30, 40]), [[0.1, 0.2, 0.3, 0.4]]);
});
