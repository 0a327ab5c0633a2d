/** A rectangle to cut polygons by, in their units. */
export interface ClipArea {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * The part of a polygon inside of a rectangle (Sutherland and Hodgman 1974). Where that falls apart, its pieces stay joined by lines along
 * the edge of the rectangle, which enclose nothing.
 *
 * @param polygon `[x1, y1, x2, y2, …]`
 * @returns an empty list when nothing is left
 */
export function clipPolygon(polygon: ArrayLike<number>, { left, top, right, bottom }: ClipArea): number[] {
  let points = Array.from(polygon);
  for (const [axis, limit, sign] of [
    [0, left, 1],
    [0, right, -1],
    [1, top, 1],
    [1, bottom, -1],
  ] as const) {
    points = onOneSide(points, axis, limit, sign);
  }
  return isLine(points) ? [] : points;
}

/** What of a polygon has a coordinate above a limit (sign 1) or below it (−1). */
function onOneSide(points: readonly number[], axis: 0 | 1, limit: number, sign: 1 | -1): number[] {
  const kept: number[] = [];
  const inside = (i: number): number => sign * (points[i + axis] - limit);
  for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
    const [before, now] = [inside(j), inside(i)];
    if (before * now < 0) {
      const share = before / (before - now);
      const across = points[j + 1 - axis] + share * (points[i + 1 - axis] - points[j + 1 - axis]);
      kept.push(...(axis === 0 ? [limit, across] : [across, limit]));
    }
    if (now >= 0) kept.push(points[i], points[i + 1]);
  }
  return kept;
}

/** Whether all points are on one line along an axis, as those of polygons that only touch the rectangle. */
const isLine = (points: readonly number[]): boolean =>
  points.every((value, i) => i % 2 === 1 || value === points[0]) ||
  points.every((value, i) => i % 2 === 0 || value === points[1]);
