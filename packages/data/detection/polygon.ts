import { clipPolygon } from '../masks/clip-polygon.ts';
import { polygonArea } from '../masks/polygon-area.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import {
  FLOAT_NOISE,
  type Frame,
  type GeometryProblem,
  outsideHint,
  type RepairOptions,
  roundingOf,
  shown,
} from './geometry-problem.ts';
import { untangle } from './untangle-polygon.ts';

/** What became of one piece of an outline. */
export interface JudgedPolygon {
  /** None when it cannot be used or has no area; several where a repair has cut it apart. */
  readonly polygons: readonly number[][];
  readonly problems: readonly GeometryProblem[];
}

/**
 * Checks one piece of an outline and makes its points shares of the image. The last point is joined to the first, whether
 * the first is repeated at the end or not; the repetition is dropped.
 *
 * Errors: an odd number of coordinates, fewer than three points, points far outside of the image. Warnings: no area (it is left
 * out), points up to two pixels outside (they are clipped), lines that cross each other, less than a pixel of area.
 * @param coordinates finite numbers `[x1, y1, x2, y2, …]`, in the coordinates of `frame`
 * @param options.repair what reaches beyond the image is cut off there, what crosses itself is cut apart, what has fewer than three
 *   points or less than a pixel of area is left out; a warning says so. Default false
 */
export function judgePolygon(
  coordinates: readonly number[],
  frame: Frame,
  { repair = false }: RepairOptions = {},
): JudgedPolygon {
  const problems: GeometryProblem[] = [];
  const fail = (code: string, message: string, hint?: string): JudgedPolygon => ({
    polygons: [],
    problems: [{ code, severity: 'error', message, ...(hint !== undefined && { hint }) }],
  });
  const leftOut = (code: string, message: string): JudgedPolygon => ({
    polygons: [],
    problems: [...problems, { code, severity: 'warning', message, hint: 'left out' }],
  });
  if (coordinates.length % 2 !== 0) {
    const message = `the polygon has an odd number of coordinates (${coordinates.length})`;
    return fail('polygon-odd', message, 'each point is an x and a y: [x1, y1, x2, y2, …]');
  }
  if (coordinates.length < 6) {
    const points = coordinates.length / 2;
    const message = `the polygon has ${points === 0 ? 'no point' : `only ${points} ${points === 1 ? 'point' : 'points'}`}`;
    if (repair) return leftOut('polygon-too-short', message);
    const hint =
      coordinates.length === 2
        ? 'it has three or more, all of them in one list: [[x1, y1, x2, y2, x3, y3]]'
        : 'it has three or more';
    return fail('polygon-too-short', message, hint);
  }
  let polygon = coordinates.map((value, i) => value / frame.extent[i % 2]);
  let [rounded, outside] = [0, 0];
  for (const [i, value] of coordinates.entries()) {
    const axis = (i % 2) as 0 | 1;
    const extent = frame.extent[axis];
    const over = Math.max(-value, value - extent);
    if (over > roundingOf(frame, axis)) {
      outside++;
      if (repair) continue;
      const point = `${axis === 0 ? 'x' : 'y'} ${shown(value)} of point ${(i >> 1) + 1}`;
      const hint = `${outsideHint(frame, axis, value)}; fovea data convert --repair cuts it off at the edge`;
      return fail('polygon-outside', `the polygon is outside of the image: ${point}`, hint);
    }
    if (over > extent * FLOAT_NOISE) rounded++;
  }
  if (outside > 0) {
    polygon = clipPolygon(polygon, { left: 0, top: 0, right: 1, bottom: 1 });
    if (polygon.length === 0) return leftOut('polygon-outside', 'the polygon is outside of the image');
    const message = `the polygon was outside of the image (${outside} of its coordinates)`;
    problems.push({
      code: 'polygon-outside',
      severity: 'warning',
      message,
      hint: 'repaired: cut off at the edge of the image',
    });
  } else if (rounded > 0) {
    const message = `the polygon is a little outside of the image (${rounded} of its coordinates), clipped`;
    problems.push({ code: 'polygon-clipped', severity: 'warning', message });
  }
  polygon = polygon.map((value) => Math.min(1, Math.max(0, value)));
  const last = polygon.length - 2;
  if (polygon[0] === polygon[last] && polygon[1] === polygon[last + 1]) polygon.length = last;
  const area = polygonArea(polygon);
  // A bow tie of equal halves has an area of nothing, but a box.
  const [x1, y1, x2, y2] = boundsOf([polygon]);
  if (polygon.length < 6 || x1 === x2 || y1 === y2 || isLine(polygon))
    return leftOut('polygon-without-area', 'the polygon has no area: its points are on one line');
  const crossing = firstCrossing(polygon);
  let polygons = [polygon];
  if (crossing !== null) {
    const [a, b] = crossing.map((edge) => `point ${edge + 1} to ${((edge + 1) % (polygon.length / 2)) + 1}`);
    const message = `the polygon crosses itself: the line from ${a} and that from ${b}`;
    if (repair) polygons = untangle(polygon);
    const hint = repair
      ? `repaired: cut apart at its crossings, into ${polygons.length} pieces`
      : 'the order of its points may be wrong; fovea data convert --repair cuts it apart there';
    problems.push({ code: 'polygon-crosses-itself', severity: 'warning', message, hint });
    if (polygons.length === 0) return leftOut('polygon-without-area', 'the polygon has no area');
  }
  const pixels = area * frame.width * frame.height;
  if (crossing === null && frame.width > 0 && frame.height > 0 && pixels < 1 - FLOAT_NOISE) {
    const message = `the polygon is tiny: ${shown(pixels)} pixels`;
    if (repair) return leftOut('polygon-tiny', message);
    problems.push({ code: 'polygon-tiny', severity: 'warning', message, hint: 'no model will find it' });
  }
  return { polygons, problems };
}

function isLine(polygon: readonly number[]): boolean {
  for (let i = 0; i < polygon.length; i += 2)
    for (let j = i + 2; j < polygon.length; j += 2)
      if (polygon[i] !== polygon[j] || polygon[i + 1] !== polygon[j + 1]) return isFlat(polygon, i, j);
  return true;
}

/** Whether all points are on the line through points i and j, which differ. */
function isFlat(polygon: readonly number[], i: number, j: number): boolean {
  for (let k = 0; k < polygon.length; k += 2) if (Math.abs(turn(polygon, i, j, k)) > 1e-12) return false;
  return true;
}

/** Twice the signed area of the triangle of three points, given by their places in the list. */
function turn(polygon: readonly number[], a: number, b: number, c: number): number {
  const [x, y] = [polygon[a], polygon[a + 1]];
  return (polygon[b] - x) * (polygon[c + 1] - y) - (polygon[b + 1] - y) * (polygon[c] - x);
}

/**
 * The first two edges that properly cross, by the number of the point where they begin; null when none do. Edges that only
 * touch are no crossing: outlines of masks touch themselves at corners. Edges are swept from left to right, so that only those
 * that overlap in x are compared.
 */
function firstCrossing(polygon: readonly number[]): [number, number] | null {
  const count = polygon.length / 2;
  const left = (edge: number) => Math.min(polygon[edge * 2], polygon[((edge + 1) % count) * 2]);
  const right = (edge: number) => Math.max(polygon[edge * 2], polygon[((edge + 1) % count) * 2]);
  const edges = Array.from({ length: count }, (_, edge) => edge).sort((a, b) => left(a) - left(b));
  let active: number[] = [];
  for (const edge of edges) {
    const from = left(edge);
    active = active.filter((other) => right(other) >= from);
    for (const other of active)
      if (cross(polygon, edge * 2, other * 2)) return edge < other ? [edge, other] : [other, edge];
    active.push(edge);
  }
  return null;
}

function cross(polygon: readonly number[], a: number, c: number): boolean {
  const b = (a + 2) % polygon.length;
  const d = (c + 2) % polygon.length;
  return turn(polygon, a, b, c) * turn(polygon, a, b, d) < 0 && turn(polygon, c, d, a) * turn(polygon, c, d, b) < 0;
}
