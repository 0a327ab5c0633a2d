import { signedArea } from './polygon.ts';

/** The outline of a mask, in pixels. */
export interface MaskOutline {
  /** One polygon for each connected part (by sides, not by corners), along the edges of its pixels, clockwise. */
  readonly polygons: number[][];
  /** Holes inside of the parts: a list of polygons has no place for them. */
  readonly holes: number;
}

/** Steps to the right, down, to the left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/**
 * Polygons that enclose exactly the pixels of a mask, and its holes.
 * @param mask `[height, width]`, row by row, other than 0 where the object is
 */
export function outlineOf(mask: Uint8Array, width: number, height: number): MaskOutline {
  const across = width + 1;
  // For each corner of a pixel the directions in which an edge leaves it, the object at its right hand.
  const leaving = new Uint8Array(across * (height + 1));
  const at = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue;
      if (!at(x, y - 1)) leaving[y * across + x] |= 1;
      if (!at(x + 1, y)) leaving[y * across + x + 1] |= 2;
      if (!at(x, y + 1)) leaving[(y + 1) * across + x + 1] |= 4;
      if (!at(x - 1, y)) leaving[(y + 1) * across + x] |= 8;
    }
  }
  const polygons: number[][] = [];
  let holes = 0;
  for (let corner = 0; corner < leaving.length; corner++) {
    while (leaving[corner] !== 0) {
      const polygon = follow(leaving, across, corner);
      if (signedArea(polygon) > 0) polygons.push(polygon);
      else holes++;
    }
  }
  return { polygons, holes };
}

/** Goes round one outline and takes its edges away. Where two edges leave a corner, the right turn is taken. */
function follow(leaving: Uint8Array, across: number, start: number): number[] {
  const polygon: number[] = [];
  const first = 31 - Math.clz32(leaving[start] & -leaving[start]);
  let corner = start;
  let direction = first;
  let before = -1;
  for (;;) {
    leaving[corner] &= ~(1 << direction);
    if (direction !== before) polygon.push(corner % across, Math.floor(corner / across));
    const [dx, dy] = STEPS[direction];
    corner += dy * across + dx;
    before = direction;
    const turns = [direction + 1, direction, direction + 3].map((turn) => turn % 4);
    if (corner === start && turns[0] === first) return polygon;
    const next = turns.find((turn) => (leaving[corner] & (1 << turn)) !== 0);
    if (next === undefined) return polygon;
    direction = next;
  }
}
