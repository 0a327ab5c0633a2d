import { signedArea } from '../masks/polygon-area.ts';

/** Smaller loops are what rounding leaves, in shares of the image. */
const LEAST_AREA = 1e-12;

/** Polygons that cross themselves more often are scribble. */
const MOST_CROSSINGS = 10_000;

/**
 * The loops of a polygon that crosses itself: it is cut at every crossing, so that none of them crosses itself. A bow tie becomes two
 * triangles, a star its points and its middle. They go round alike, clockwise on the screen. Loops without area are left out.
 *
 * @param polygon `[x1, y1, x2, y2, …]`
 */
export function untangle(polygon: readonly number[]): number[][] {
  const path = withCrossings(polygon);
  const loops: number[][] = [];
  const open: number[] = [];
  const placeOf = new Map<string, number>();
  for (let i = 0; i < path.length; i += 2) {
    const key = `${path[i]},${path[i + 1]}`;
    const place = placeOf.get(key);
    if (place === undefined) {
      placeOf.set(key, open.length);
      open.push(path[i], path[i + 1]);
      continue;
    }
    // Back where it was before: what lies between is a loop.
    const loop = open.splice(place);
    loops.push(loop);
    for (let k = 0; k < loop.length; k += 2) placeOf.delete(`${loop[k]},${loop[k + 1]}`);
    placeOf.set(key, open.length);
    open.push(path[i], path[i + 1]);
  }
  loops.push(open);
  return loops.flatMap((loop) => {
    const area = loop.length < 6 ? 0 : signedArea(loop);
    if (Math.abs(area) < LEAST_AREA) return [];
    return [area > 0 ? loop : clockwise(loop)];
  });
}

/** The points of a polygon with those in between where two of its lines cross, which are twice in the list, exactly alike. */
function withCrossings(polygon: readonly number[]): number[] {
  const count = polygon.length / 2;
  const point = (i: number): [number, number] => [polygon[2 * (i % count)], polygon[2 * (i % count) + 1]];
  const on: { share: number; x: number; y: number }[][] = Array.from({ length: count }, () => []);
  let crossings = 0;
  for (let a = 0; a < count; a++) {
    const [[ax, ay], [bx, by]] = [point(a), point(a + 1)];
    for (let c = a + 2; c < count; c++) {
      if (a === 0 && c === count - 1) continue;
      const [[cx, cy], [dx, dy]] = [point(c), point(c + 1)];
      if (Math.max(cx, dx) < Math.min(ax, bx) || Math.min(cx, dx) > Math.max(ax, bx)) continue;
      const cross = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx);
      if (cross === 0) continue;
      const here = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / cross;
      const there = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / cross;
      if (!(here > 0 && here < 1 && there > 0 && there < 1)) continue;
      const [x, y] = [ax + here * (bx - ax), ay + here * (by - ay)];
      on[a].push({ share: here, x, y });
      on[c].push({ share: there, x, y });
      if (++crossings > MOST_CROSSINGS) return [...polygon];
    }
  }
  return on.flatMap((found, i) => [
    ...point(i),
    ...found.sort((one, other) => one.share - other.share).flatMap(({ x, y }) => [x, y]),
  ]);
}

function clockwise(loop: readonly number[]): number[] {
  const turned: number[] = [];
  for (let i = loop.length - 2; i >= 0; i -= 2) turned.push(loop[i], loop[i + 1]);
  return turned;
}
