import { joinHoles, POINTS_OF_CUT } from './join-holes.ts';
import { type MaskPart, maskParts, type Ring } from './mask-rings.ts';
import { polygonArea } from './polygon-area.ts';
import type { RunLengths } from './run-lengths.ts';
import { simplifyRings } from './simplify-rings.ts';

/** A ring that was simplified has at least so many points. */
const FEWEST_POINTS = 3;

export interface MaskPolygonOptions {
  /** Most points of each polygon, 3 or more. Default: as many as there are. */
  mostPoints?: number;
}

/**
 * The outline of a mask in pixels, `[x1, y1, x2, y2, …]`, clockwise: one polygon for each part whose pixels hang together by their sides.
 * It runs along the edges of the pixels: drawn again by `polygonsMask` it is the same mask. A hole is joined to its part by a cut
 * without width (see `joinHoles`).
 *
 * A polygon with more points than are allowed is simplified, and only that one; so many of its holes as make up half of the points are
 * kept then, the largest ones.
 *
 * @throws RangeError when `mostPoints` is less than 3
 */
export function maskPolygons(
  mask: RunLengths,
  { mostPoints = Number.POSITIVE_INFINITY }: MaskPolygonOptions = {},
): number[][] {
  if (!(mostPoints >= FEWEST_POINTS))
    throw new RangeError(`polygons of at most ${mostPoints} points enclose nothing; 3 is the least, 100 is usual`);
  return maskParts(mask).map((part) => polygonOf(part, mostPoints));
}

function polygonOf({ outer, holes }: MaskPart, mostPoints: number): number[] {
  const points = (rings: readonly Ring[]): number => rings.reduce((sum, ring) => sum + ring.length / 2, 0);
  if (points([outer, ...holes]) + POINTS_OF_CUT * holes.length <= mostPoints) return joinHoles(outer, holes);
  const most = Math.floor(mostPoints / 2 / (FEWEST_POINTS + POINTS_OF_CUT));
  const largest =
    holes.length <= most ? holes : holes.toSorted((a, b) => polygonArea(b) - polygonArea(a)).slice(0, most);
  const budget = mostPoints - POINTS_OF_CUT * largest.length;
  const [simpler, ...simplerHoles] = simplifyRings([outer, ...largest], budget);
  return joinHoles(simpler, simplerHoles);
}
