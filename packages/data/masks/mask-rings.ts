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

/** The rings that enclose exactly the pixels of a mask, in pixels of the image. Costs what the box around the mask has of pixels. */
export function maskParts(mask: RunLengths): MaskPart[] {
  const [left, top, width, height] = maskBox(mask);
  if (width === 0) return [];
  const grid = { left, top, down: height + 1, leaving: new Uint8Array((width + 1) * (height + 1)) };
  markEdges(mask, grid, width, height);
  const rings: Ring[] = [];
  const isHole: boolean[] = [];
  for (let corner = 0; corner < grid.leaving.length; corner++) {
    while (grid.leaving[corner] !== 0) {
      const ring = follow(grid, corner);
      rings.push(ring);
      isHole.push(signedArea(ring) < 0);
    }
  }
  return isHole.includes(true) ? withHoles(mask, rings, isHole) : rings.map((outer) => ({ outer, holes: [] }));
}

interface Grid {
  left: number;
  top: number;
  /** Corners of pixels in a column. */
  down: number;
  /** Column after column: in which directions edges leave a corner, with the mask at their right hand. */
  leaving: Uint8Array;
}

function markEdges(mask: RunLengths, { left, top, down, leaving }: Grid, width: number, height: number): void {
  // The pixels of a column, and those of the one before it.
  let column = new Uint8Array(height);
  let before = new Uint8Array(height);
  const finish = (x: number): void => {
    const corner = x * down;
    for (let y = 0; y < height; y++) {
      if (column[y] === before[y]) continue;
      if (column[y] === 1) leaving[corner + y + 1] |= 1 << UP;
      else leaving[corner + y] |= 1 << DOWN;
    }
    [before, column] = [column, before];
    column.fill(0);
  };
  let current = 0;
  for (const { x, from, to } of columnRuns(mask)) {
    while (current < x - left) finish(current++);
    column.fill(1, from - top, to - top);
    leaving[current * down + from - top] |= 1 << RIGHT;
    leaving[(current + 1) * down + to - top] |= 1 << LEFT;
  }
  while (current <= width) finish(current++);
}

/** The stretches of a mask in each column of pixels, `from` included, `to` not. */
function* columnRuns({ height, counts }: RunLengths): Generator<{ x: number; from: number; to: number }> {
  let end = 0;
  // Two runs with nothing between them are one stretch.
  let pending: { x: number; from: number; to: number } | null = null;
  for (let i = 0; i < counts.length; i++) {
    let start = end;
    end += counts[i];
    if (i % 2 === 0) continue;
    while (start < end) {
      const x = Math.floor(start / height);
      const stop = Math.min(end, (x + 1) * height);
      const [from, to] = [start - x * height, stop - x * height];
      if (pending && pending.x === x && pending.to === from) pending.to = to;
      else {
        if (pending) yield pending;
        pending = { x, from, to };
      }
      start = stop;
    }
  }
  if (pending) yield pending;
}

/** Goes round one ring and takes its edges away. Where two edges leave a corner the right turn is taken: it stays with its pixel. */
function follow({ left, top, down, leaving }: Grid, start: number): Ring {
  const ring: Ring = [];
  const first = 31 - Math.clz32(leaving[start] & -leaving[start]);
  const step = [down, 1, -down, -1];
  let corner = start;
  let direction = first;
  let before = -1;
  for (;;) {
    leaving[corner] &= ~(1 << direction);
    if (direction !== before) ring.push(left + Math.floor(corner / down), top + (corner % down));
    corner += step[direction];
    before = direction;
    direction = nextDirection(leaving[corner], direction, corner === start ? first : -1);
    if (direction < 0) break;
  }
  // Begun in the middle of a side.
  if (before === first) ring.splice(0, 2);
  return ring;
}

/** −1: the ring is closed. */
function nextDirection(leaving: number, direction: number, first: number): number {
  for (const turn of [1, 0, 3]) {
    const next = (direction + turn) % 4;
    if (next === first) return -1;
    if ((leaving & (1 << next)) !== 0) return next;
  }
  return -1;
}

/**
 * Says of each hole in which part it is. Above its highest edge is a pixel of the part; the upper end of that pixel's stretch is an edge
 * of the part's outer ring, or of a hole that lies higher.
 */
function withHoles(mask: RunLengths, rings: readonly Ring[], isHole: readonly boolean[]): MaskPart[] {
  const { width } = mask;
  const ringAbove = new Map<number, number>();
  for (const [k, ring] of rings.entries()) {
    for (let i = 0; i < ring.length; i += 2) {
      const next = (i + 2) % ring.length;
      // Edges to the right have the mask below them.
      for (let x = ring[i]; ring[i + 1] === ring[next + 1] && x < ring[next]; x++)
        ringAbove.set(ring[i + 1] * width + x, k);
    }
  }
  const startAbove = new Map<number, number>();
  const holes = rings.flatMap((ring, k) => (isHole[k] ? [{ k, ring: fromHighest(ring) }] : []));
  for (const { ring } of holes) startAbove.set(ring[1] * width + ring[0], -1);
  for (const { x, from, to } of columnRuns(mask)) {
    const below = to * width + x;
    if (startAbove.has(below)) startAbove.set(below, from);
  }
  const parts = new Map<number, MaskPart>();
  for (const [k, outer] of rings.entries()) if (!isHole[k]) parts.set(k, { outer, holes: [] });
  const partOf = new Map<number, MaskPart>(parts);
  for (const { k, ring } of holes.sort((a, b) => a.ring[1] - b.ring[1])) {
    const from = startAbove.get(ring[1] * width + ring[0]) ?? -1;
    const part = partOf.get(ringAbove.get(from * width + ring[0]) ?? -1);
    if (!part) throw new Error('a hole of a mask lies in no part of it');
    partOf.set(k, part);
    part.holes.push(ring);
  }
  return [...parts.values()];
}

/** The same ring from the left one of its highest corners on. */
export function fromHighest(ring: Ring): Ring {
  let best = 0;
  for (let i = 2; i < ring.length; i += 2)
    if (ring[i + 1] < ring[best + 1] || (ring[i + 1] === ring[best + 1] && ring[i] < ring[best])) best = i;
  return best === 0 ? ring : [...ring.slice(best), ...ring.slice(0, best)];
}
