import type { Ring } from './mask-rings.ts';

/**
 * Rings with at most so many points in all, and at least three each: the points are kept from which lines would stray farthest without
 * them (Douglas and Peucker 1973, with the tolerance that the number of points asks for, one for all rings).
 *
 * The staircases of pixels are first cut through the middles of their steps, on which a slanted edge really lies: that adds and takes
 * away the same area, and centres of pixels stay at their side.
 */
export function simplifyRings(rings: readonly Ring[], mostPoints: number): Ring[] {
  const cut = rings.map(throughMiddles);
  const weights = cut.map(importance);
  const all = new Float64Array(weights.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of weights) {
    all.set(each, at);
    at += each.length;
  }
  if (all.length <= mostPoints) return cut;
  all.sort();
  const least = all[Math.max(0, all.length - mostPoints)];
  // Of equally important ones as many as there is room for.
  let equals = mostPoints;
  for (let i = all.length - 1; i >= 0 && all[i] > least; i--) equals--;
  return cut.map((ring, r) => {
    const kept: Ring = [];
    for (let i = 0; i < weights[r].length; i++) {
      const weight = weights[r][i];
      if (weight < least || (weight === least && weight < Number.POSITIVE_INFINITY && equals-- <= 0)) continue;
      kept.push(ring[2 * i], ring[2 * i + 1]);
    }
    return kept;
  });
}

/** The middles of the first and the last step of each side. */
function throughMiddles(ring: Ring): Ring {
  const cut: Ring = [];
  for (let i = 0; i < ring.length; i += 2) {
    const next = (i + 2) % ring.length;
    const [dx, dy] = [ring[next] - ring[i], ring[next + 1] - ring[i + 1]];
    const length = Math.abs(dx) + Math.abs(dy);
    const [half, side] = [dx / length / 2, dy / length / 2];
    cut.push(ring[i] + half, ring[i + 1] + side);
    if (length > 1) cut.push(ring[next] - half, ring[next + 1] - side);
  }
  return cut;
}

/** How far from the line a point lies that is drawn without it, or without one before it; of three points of a ring infinite. */
function importance(ring: Ring): Float64Array {
  const count = ring.length / 2;
  const found = new Float64Array(count);
  let far = 0;
  let most = -1;
  for (let i = 1; i < count; i++) {
    const distance = (ring[2 * i] - ring[0]) ** 2 + (ring[2 * i + 1] - ring[1]) ** 2;
    if (distance > most) [far, most] = [i, distance];
  }
  found[0] = found[far] = Number.POSITIVE_INFINITY;
  // Stretches between two points that are drawn, the second perhaps once round, and what the first of the two was worth.
  const stretches: [from: number, to: number, weight: number][] = [
    [0, far, Number.POSITIVE_INFINITY],
    [far, count, Number.POSITIVE_INFINITY],
  ];
  for (let stretch = stretches.pop(); stretch; stretch = stretches.pop()) {
    const [from, to, weight] = stretch;
    if (to - from < 2) continue;
    const end = to % count;
    const [x, y] = [ring[2 * from], ring[2 * from + 1]];
    const [dx, dy] = [ring[2 * end] - x, ring[2 * end + 1] - y];
    let worst = from + 1;
    let least = -1;
    for (let i = from + 1; i < to; i++) {
      const distance = Math.abs((ring[2 * i] - x) * dy - (ring[2 * i + 1] - y) * dx);
      if (distance > least) [worst, least] = [i, distance];
    }
    const distance = Math.min(weight, least / Math.hypot(dx, dy));
    found[worst] = distance;
    stretches.push([from, worst, distance], [worst, to, distance]);
  }
  // A ring of two points encloses nothing.
  let third = -1;
  for (let i = 0; i < count; i++) if (i !== 0 && i !== far && (third < 0 || found[i] > found[third])) third = i;
  if (third >= 0) found[third] = Number.POSITIVE_INFINITY;
  return found;
}
