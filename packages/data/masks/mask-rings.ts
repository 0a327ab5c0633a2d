import { signedArea } from './polygon-area.ts';
import { maskBox, type RunLengths } from './run-lengths.ts';

/** A closed line along the edges of pixels, `[x1, y1, x2, y2, …]`: corners only, the last one joined to the first. */
export type Ring = number[];

/** A part of a mask whose pixels hang together by their sides, and not by corners alone. */
export interface MaskPart {
  /** Clockwise on the screen, y pointing down. */
  readonly outer: Ring;
  /** Counter-clockwise; each begins at the left one of its highest corners, higher holes first. */
  readonly holes: Ring[];
}

/** Steps to the right, down, to the left, up; bit i of a corner's flags is an edge that leaves it in direction i. */
const [RIGHT, DOWN, LEFT, UP] = [0, 1, 2, 3];

/** The rings that enclose exactly the pixels of a mask, in pixels of the image. The time it takes grows with the length of the rings. */
export function maskParts(mask: RunLengths): MaskPart[] {
  const box = maskBox(mask);
  const [left, top, width, height] = box;
  if (width === 0) return [];
  const columns = columnStretches(mask, box);
  const grid = { left, top, down: height + 1, leaving: new Uint8Array((width + 1) * (height + 1)) };
  markEdges(columns, grid);
  const rings: Ring[] = [];
  // Every ring has edges to the right: the upper ends of stretches.
  for (let x = 0; x < width; x++) {
    for (let i = columns.start[x]; i < columns.start[x + 1]; i += 2) {
      const corner = x * grid.down + columns.ends[i];
      if ((grid.leaving[corner] & (1 << RIGHT)) !== 0) rings.push(follow(grid, corner));
    }
  }
  const isHole = rings.map((ring) => signedArea(ring) < 0);
  return isHole.includes(true)
    ? withHoles({ rings, isHole, columns, box })
    : rings.map((outer) => ({ outer, holes: [] }));
}

/** The stretches of a mask in the columns of the box around it. */
interface Columns {
  /** Where the stretches of a column begin in `ends` [columns + 1]. */
  start: Int32Array;
  /** Of each stretch its first row and the one after its last. */
  ends: Int32Array;
}

type Bounds = readonly [left: number, top: number, width: number, height: number];

function columnStretches({ height, counts }: RunLengths, [left, top, width, rows]: Bounds): Columns {
  const start = new Int32Array(width + 1);
  // A run may end in a column and go on in the next ones.
  let ends = new Int32Array(counts.length + 2 * width + 2);
  let length = 0;
  let column = 0;
  let end = 0;
  for (let i = 0; i < counts.length; i++) {
    let from = end;
    end += counts[i];
    if (i % 2 === 0) continue;
    while (from < end) {
      const x = Math.floor(from / height);
      const stop = Math.min(end, (x + 1) * height);
      while (column < x - left) start[++column] = length;
      const first = from - x * height - top;
      // Two runs with nothing between them are one stretch.
      if (length > start[column] && ends[length - 1] === first) length--;
      else {
        if (length + 2 > ends.length) ends = grown(ends);
        ends[length++] = first;
      }
      ends[length++] = Math.min(rows, stop - x * height - top);
      from = stop;
    }
  }
  while (column < width) start[++column] = length;
  return { start, ends };
}

function grown(list: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * list.length);
  larger.set(list);
  return larger;
}

interface Grid {
  left: number;
  top: number;
  /** Corners of pixels in a column. */
  down: number;
  /** Column after column: in which directions edges leave a corner, with the mask at their right hand. */
  leaving: Uint8Array;
}

function markEdges({ start, ends }: Columns, { down, leaving }: Grid): void {
  const width = start.length - 1;
  for (let x = 0; x <= width; x++) {
    const corner = x * down;
    if (x < width) {
      for (let i = start[x]; i < start[x + 1]; i += 2) {
        leaving[corner + ends[i]] |= 1 << RIGHT;
        leaving[corner + down + ends[i + 1]] |= 1 << LEFT;
      }
    }
    // Where only one of the columns at either side has the mask, there is an edge between them.
    let [i, last] = x === 0 ? [0, 0] : [start[x - 1], start[x]];
    let [k, end] = x === width ? [0, 0] : [start[x], start[x + 1]];
    let [inLeft, inRight] = [false, false];
    let from = 0;
    while (i < last || k < end) {
      const to = Math.min(i < last ? ends[i] : down, k < end ? ends[k] : down);
      if (inRight && !inLeft) for (let y = from; y < to; y++) leaving[corner + y + 1] |= 1 << UP;
      if (inLeft && !inRight) for (let y = from; y < to; y++) leaving[corner + y] |= 1 << DOWN;
      if (i < last && ends[i] === to) [i, inLeft] = [i + 1, !inLeft];
      if (k < end && ends[k] === to) [k, inRight] = [k + 1, !inRight];
      from = to;
    }
  }
}

/** Goes round one ring and takes its edges away. Where two edges leave a corner the right turn is taken: it stays with its pixel. */
function follow({ left, top, down, leaving }: Grid, start: number): Ring {
  const ring: Ring = [];
  const step = [down, 1, -down, -1];
  let corner = start;
  let direction = RIGHT;
  let before = -1;
  while (direction >= 0) {
    leaving[corner] &= ~(1 << direction);
    if (direction !== before) ring.push(left + Math.floor(corner / down), top + (corner % down));
    corner += step[direction];
    before = direction;
    direction = nextDirection(leaving[corner], direction, corner === start);
  }
  // Begun in the middle of a side.
  if (before === RIGHT) ring.splice(0, 2);
  return ring;
}

/** −1: the ring is closed. */
function nextDirection(leaving: number, direction: number, isStart: boolean): number {
  // To the right, straight on, to the left.
  for (let turn = 5; turn >= 3; turn--) {
    const next = (direction + turn) % 4;
    if (isStart && next === RIGHT) return -1;
    if ((leaving & (1 << next)) !== 0) return next;
  }
  return -1;
}

/**
 * Says of each hole in which part it is. Above its highest edge is a pixel of the part; the upper end of that pixel's stretch is an edge
 * of the part's outer ring, or of a hole that lies higher.
 */
function withHoles({ rings, isHole, columns, box }: Traced): MaskPart[] {
  const [left, top, width] = box;
  const place = (x: number, y: number): number => (y - top) * width + x - left;
  const ringAbove = new Map<number, number>();
  for (const [k, ring] of rings.entries()) {
    for (let i = 0; i < ring.length; i += 2) {
      const next = (i + 2) % ring.length;
      // Edges to the right have the mask below them.
      for (let x = ring[i]; ring[i + 1] === ring[next + 1] && x < ring[next]; x++)
        ringAbove.set(place(x, ring[i + 1]), k);
    }
  }
  const parts = new Map<number, MaskPart>();
  for (const [k, outer] of rings.entries()) if (!isHole[k]) parts.set(k, { outer, holes: [] });
  const partOf = new Map<number, MaskPart>(parts);
  const holes = rings.flatMap((ring, k) => (isHole[k] ? [{ k, ring: fromHighest(ring) }] : []));
  for (const { k, ring } of holes.sort((a, b) => a.ring[1] - b.ring[1])) {
    const [x, y] = ring;
    let i = columns.start[x - left];
    while (columns.ends[i + 1] !== y - top) i += 2;
    const part = partOf.get(ringAbove.get(place(x, top + columns.ends[i])) ?? -1);
    if (!part) throw new Error('a hole of a mask lies in no part of it');
    partOf.set(k, part);
    part.holes.push(ring);
  }
  return [...parts.values()];
}

interface Traced {
  rings: readonly Ring[];
  isHole: readonly boolean[];
  columns: Columns;
  box: Bounds;
}

/** The same ring from the left one of its highest corners on. */
export function fromHighest(ring: Ring): Ring {
  let best = 0;
  for (let i = 2; i < ring.length; i += 2)
    if (ring[i + 1] < ring[best + 1] || (ring[i + 1] === ring[best + 1] && ring[i] < ring[best])) best = i;
  return best === 0 ? ring : [...ring.slice(best), ...ring.slice(0, best)];
}
