import { fromHighest, type Ring } from './mask-rings.ts';

/** Points that a hole adds to a polygon beside its own: where the cut begins and ends, on the way there and back. */
export const POINTS_OF_CUT = 3;

/**
 * One polygon for a ring with holes, of which lists of polygons know nothing: from the highest corner of each hole a cut without width
 * leads straight up to the line above it, walked on the way there and on the way back. By the even-odd rule and by the winding number
 * alike the hole is outside; a vertical line is none of the crossings that COCO's masks are drawn by.
 *
 * A hole that has no line above it, as simplified ones may, is left out: filled.
 */
export function joinHoles(outer: Ring, holes: readonly Ring[]): Ring {
  if (holes.length === 0) return outer;
  const rings = [outer, ...holes.map(fromHighest).sort((a, b) => a[1] - b[1])];
  const columns = linesByColumn(rings);
  const cuts: Cut[][] = rings.map(() => []);
  for (let child = 1; child < rings.length; child++) {
    const [x, y] = rings[child];
    const above = lineAbove(rings, columns.get(Math.floor(x)) ?? [], { x, y, child });
    if (above) cuts[above.ring].push({ ...above, x, child });
  }
  for (const [r, list] of cuts.entries()) list.sort((a, b) => a.at - b.at || along(rings[r], a) - along(rings[r], b));
  return walk(rings, cuts);
}

/** A line of a ring, by the place of its first point in the list. */
interface Line {
  ring: number;
  at: number;
}

/** Where the cut of a hole ends on a line above it. */
interface Cut extends Line {
  x: number;
  y: number;
  child: number;
}

/** The lines that are not vertical, by the whole numbers that they cross. */
function linesByColumn(rings: readonly Ring[]): Map<number, Line[]> {
  const columns = new Map<number, Line[]>();
  for (const [r, ring] of rings.entries()) {
    for (let at = 0; at < ring.length; at += 2) {
      const [from, to] = [ring[at], ring[(at + 2) % ring.length]];
      if (from === to) continue;
      for (let column = Math.floor(Math.min(from, to)); column <= Math.max(from, to); column++) {
        const lines = columns.get(column);
        if (lines) lines.push({ ring: r, at });
        else columns.set(column, [{ ring: r, at }]);
      }
    }
  }
  return columns;
}

/** The lowest line at or above the highest point of a hole, of the outer ring or of a hole that comes before it. */
function lineAbove(
  rings: readonly Ring[],
  lines: readonly Line[],
  { x, y, child }: { x: number; y: number; child: number },
): (Line & { y: number }) | null {
  let best: (Line & { y: number }) | null = null;
  for (const line of lines) {
    if (line.ring >= child) continue;
    const ring = rings[line.ring];
    const next = (line.at + 2) % ring.length;
    const [x1, y1, x2, y2] = [ring[line.at], ring[line.at + 1], ring[next], ring[next + 1]];
    if (x < Math.min(x1, x2) || x > Math.max(x1, x2)) continue;
    const height = x === x1 ? y1 : x === x2 ? y2 : y1 + ((y2 - y1) * (x - x1)) / (x2 - x1);
    if (height <= y && (best === null || height > best.y)) best = { ...line, y: height };
  }
  return best;
}

/** How far along its line a cut ends. */
const along = (ring: Ring, { at, x }: Cut): number => Math.abs(x - ring[at]);

/** All rings as one: at each cut into the hole, round it, and back. */
function walk(rings: readonly Ring[], cuts: readonly Cut[][]): Ring {
  const polygon: Ring = [];
  const visit = (x: number, y: number): void => {
    const last = polygon.length - 2;
    // A cut may begin at a corner that is there already.
    if (last < 0 || polygon[last] !== x || polygon[last + 1] !== y) polygon.push(x, y);
  };
  // Holes hang on holes, thousands of them in noise: no recursion.
  const open: { ring: number; at: number; cut: number; back?: { x: number; y: number } }[] = [
    { ring: 0, at: 0, cut: 0 },
  ];
  for (let place = open.at(-1); place; place = open.at(-1)) {
    const ring = rings[place.ring];
    if (place.at >= ring.length) {
      open.pop();
      if (!place.back) continue;
      visit(ring[0], ring[1]);
      visit(place.back.x, place.back.y);
      continue;
    }
    const cut = cuts[place.ring][place.cut];
    // A point comes before the cuts on the line that begins with it.
    if (place.cut === 0 || cuts[place.ring][place.cut - 1].at !== place.at) visit(ring[place.at], ring[place.at + 1]);
    if (cut?.at === place.at) {
      place.cut++;
      visit(cut.x, cut.y);
      open.push({ ring: cut.child, at: 0, cut: 0, back: { x: cut.x, y: cut.y } });
    } else place.at += 2;
  }
  return polygon;
}
