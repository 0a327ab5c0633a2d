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
  let polygon = outer;
  const fromTop = holes.map(fromHighest).sort((a, b) => a[1] - b[1]);
  for (const hole of fromTop) {
    const end = lineAbove(polygon, hole[0], hole[1]);
    if (!end) continue;
    const cut = [hole[0], end.y];
    polygon = [...polygon.slice(0, end.after), ...cut, ...hole, hole[0], hole[1], ...cut, ...polygon.slice(end.after)];
    polygon = withoutDoubles(polygon);
  }
  return polygon;
}

/** The lowest line of a polygon at or above a point: its height there, and the place in the list where a point on it belongs. */
function lineAbove(polygon: Ring, x: number, y: number): { y: number; after: number } | null {
  let best: { y: number; after: number } | null = null;
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    const [x1, y1, x2, y2] = [polygon[i], polygon[i + 1], polygon[next], polygon[next + 1]];
    if (x1 === x2 || x < Math.min(x1, x2) || x > Math.max(x1, x2)) continue;
    const at = x === x1 ? y1 : x === x2 ? y2 : y1 + ((y2 - y1) * (x - x1)) / (x2 - x1);
    if (at <= y && (best === null || at > best.y)) best = { y: at, after: i + 2 };
  }
  return best;
}

/** A cut may begin at a corner that is there already. */
function withoutDoubles(polygon: Ring): Ring {
  const kept: Ring = [];
  for (let i = 0; i < polygon.length; i += 2) {
    const last = kept.length - 2;
    if (last >= 0 && kept[last] === polygon[i] && kept[last + 1] === polygon[i + 1]) continue;
    kept.push(polygon[i], polygon[i + 1]);
  }
  return kept;
}
