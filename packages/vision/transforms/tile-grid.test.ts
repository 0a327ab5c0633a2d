import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTileGrid, tilesOf } from './index.ts';
import { torchRandom } from './random.ts';
import { LEAST_TILE_SIDE } from './tile-grid.ts';

test('three along the width, two along the height, a quarter of each in the next', () => {
  // 1000 / (3 − 2 / 4) = 400 and 700 / (2 − 1 / 4) = 400: the next begins at 300.
  const tiles = tilesOf({ width: 1000, height: 700 }, { columns: 3, rows: 2, overlap: 0.25 });
  assert.deepEqual(
    tiles,
    [0, 300].flatMap((top) => [0, 300, 600].map((left) => ({ left, top, width: 400, height: 400 }))),
  );
});

test('begin and end are rounded to pixels each for itself', () => {
  // 640 / 2.5 = 256, 427 / 1.75 = 244: the second begins at 183. Without overlap 100 / 3: 0, 33.3, 66.7, 100.
  assert.deepEqual(tilesOf({ width: 640, height: 427 }, { columns: 3, rows: 2, overlap: 0.25 })[4], {
    ...{ left: 192, top: 183, width: 256, height: 244 },
  });
  const thirds = tilesOf({ width: 100, height: 50 }, { columns: 3, rows: 1, overlap: 0 });
  assert.deepEqual(
    thirds.map(({ left, width }) => [left, width]),
    [
      [0, 33],
      [33, 34],
      [67, 33],
    ],
  );
});

test('whatever image and grid: tiles are inside, together all of it, and overlap as asked but for rounding', () => {
  const random = torchRandom(4);
  for (let round = 0; round < 500; round++) {
    const image = { width: 1 + random.integer(3000), height: 1 + random.integer(3000) };
    const grid = { columns: 1 + random.integer(9), rows: 1 + random.integer(9), overlap: random.uniform(0, 0.95) };
    const tiles = tilesOf(image, grid);
    if (tiles.length === 0) continue;
    const said = JSON.stringify({ image, grid, tiles });
    for (const { left, top, width, height } of tiles) {
      assert.ok([left, top, width, height].every(Number.isInteger), said);
      assert.ok(left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height, said);
    }
    const [first] = tiles;
    const row = tiles.filter(({ top }) => top === first.top);
    const column = tiles.filter(({ left }) => left === first.left);
    assert.equal(row.length * column.length, tiles.length, said);
    assert.ok(row.length <= grid.columns && column.length <= grid.rows, said);
    for (const spans of [
      { length: image.width, all: row.map(({ left, width }) => [left, left + width]) },
      { length: image.height, all: column.map(({ top, height }) => [top, top + height]) },
    ]) {
      assert.equal(spans.all[0][0], 0, said);
      assert.equal(spans.all.at(-1)?.[1], spans.length, said);
      for (const [i, [start, end]] of spans.all.entries()) {
        assert.ok(spans.all.length === 1 || end - start >= LEAST_TILE_SIDE - 1, said);
        if (i === 0) continue;
        const before = spans.all[i - 1];
        assert.ok(start <= before[1], said);
        const overlap = before[1] - start;
        assert.ok(Math.abs(overlap - grid.overlap * (end - start)) <= 2, said);
      }
    }
  }
});

test('a small image has fewer tiles, and a tiny one none', () => {
  const grid = { columns: 4, rows: 2, overlap: 0 };
  assert.equal(tilesOf({ width: 128, height: 64 }, grid).length, 8);
  assert.deepEqual(
    tilesOf({ width: 100, height: 63 }, grid).map(({ width, height }) => [width, height]),
    [
      [33, 63],
      [34, 63],
      [33, 63],
    ],
  );
  assert.deepEqual(tilesOf({ width: 63, height: 20 }, grid), []);
});

test('an overlap of nearly 1 makes no two tiles that are the same, and none that is the image', () => {
  assert.deepEqual(tilesOf({ width: 100, height: 100 }, { columns: 3, rows: 3, overlap: 0.9999 }), []);
});

test('a grid is two numbers', () => {
  assert.deepEqual(readTileGrid('3x2'), { columns: 3, rows: 2 });
  assert.deepEqual(readTileGrid('(3, 2)'), { columns: 3, rows: 2 });
  assert.deepEqual(readTileGrid('1x4'), { columns: 1, rows: 4 });
  for (const value of ['3', '3x', '0x2', '-1x2', '2x2x2', '3 x 2', '1.5x2', '', null, 32, '(3, 2', ['3', '2']])
    assert.deepEqual(readTileGrid(value), { wrong: 'two numbers as in 3x2' }, String(value));
  assert.match(JSON.stringify(readTileGrid('1x1')), /more than one tile/);
  assert.match(JSON.stringify(readTileGrid('9999x9999')), /at most 256 tiles/);
});
