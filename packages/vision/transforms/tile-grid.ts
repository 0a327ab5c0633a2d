/**
 * Where the tiles of an image are. An image with small objects is looked at as a whole and in overlapping tiles, each brought to the size
 * that the network takes, so that the objects are larger in it. Geometry of Azure AutoML's `tile_grid_size` and `tile_overlap_ratio`.
 */
import type { Rectangle, Size } from './geometry.ts';

/** So many tiles along the width and along the height, and which share of each is in its neighbour too. */
export interface TileGrid {
  columns: number;
  rows: number;
  /** In [0, 1). */
  overlap: number;
}

/**
 * A tile is at least so many pixels wide and high; a small image has fewer tiles. It is the stride of the coarsest cells that detectors
 * answer for: what is smaller does not fill one, and is blurred by all the enlarging besides.
 */
export const LEAST_TILE_SIDE = 32;

/** Every tile costs as much as an image. */
const MOST_TILES = 256;

/**
 * Reads `3x2` (three along the width, two along the height), or `(3, 2)`, which means the same.
 *
 * @returns columns and rows, or what it should be, in words that follow "must be"
 */
export function readTileGrid(value: unknown): Pick<TileGrid, 'columns' | 'rows'> | { wrong: string } {
  const match =
    typeof value === 'string' && /^(?:([1-9]\d*)x([1-9]\d*)|\( *([1-9]\d*) *, *([1-9]\d*) *\))$/.exec(value);
  if (!match) return { wrong: 'two numbers as in 3x2' };
  const [columns, rows] = [Number(match[1] ?? match[3]), Number(match[2] ?? match[4])];
  if (columns * rows === 1)
    return { wrong: 'more than one tile, as in 3x2: the image as a whole is looked at in any case' };
  if (columns * rows > MOST_TILES)
    return { wrong: `at most ${MOST_TILES} tiles, as in 3x2: each costs as much as an image` };
  return { columns, rows };
}

/**
 * The tiles of an image in whole pixels, row by row: inside of it, together all of it, neighbours overlapping by the asked share of a
 * tile but for rounding. With n tiles along a length L that overlap by r, each is t = L / (n − (n − 1) r) long, and tile i begins at
 * i t (1 − r).
 *
 * @returns none where the image is too small for more than one tile
 */
export function tilesOf({ width, height }: Size, { columns, rows, overlap }: TileGrid): Rectangle[] {
  const across = spansOf(width, columns, overlap);
  const down = spansOf(height, rows, overlap);
  if (across.length * down.length === 1) return [];
  return down.flatMap(({ start: top, length: height }) =>
    across.map(({ start: left, length: width }) => ({ left, top, width, height })),
  );
}

/** Half pixels are rounded up. Begin and end are rounded each for itself, so that lengths may differ by a pixel. */
function spansOf(length: number, most: number, overlap: number): { start: number; length: number }[] {
  const sideOf = (count: number): number => length / (count - (count - 1) * overlap);
  let count = most;
  while (count > 1 && sideOf(count) < LEAST_TILE_SIDE) count--;
  const side = sideOf(count);
  const startOf = (i: number): number => Math.round(i * side * (1 - overlap));
  const spans = Array.from({ length: count }, (_, i) => {
    const start = startOf(i);
    // Where neighbours only touch, rounding must not leave a pixel between them.
    const end =
      i === count - 1
        ? length
        : Math.min(length, Math.max(Math.round(i * side * (1 - overlap) + side), startOf(i + 1)));
    return { start, length: end - start };
  });
  // With an overlap of nearly 1 tiles can come out the same.
  return spans.filter(
    ({ start, length: long }, i) => i === 0 || start !== spans[i - 1].start || long !== spans[i - 1].length,
  );
}
