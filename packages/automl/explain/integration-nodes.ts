/** Ways to replace an integral over 0 … 1 by a sum, under the names that captum gives them. */
export type IntegrationRule =
  | 'riemann_left'
  | 'riemann_right'
  | 'riemann_middle'
  | 'riemann_trapezoid'
  | 'gausslegendre';

/** A place in 0 … 1, and what counts of the function there. */
export interface IntegrationNode {
  readonly alpha: number;
  readonly weight: number;
}

const PLACES: Record<Exclude<IntegrationRule, 'gausslegendre'>, (k: number, steps: number) => number> = {
  riemann_left: (k, steps) => k / steps,
  riemann_right: (k, steps) => (k + 1) / steps,
  riemann_middle: (k, steps) => (k + 0.5) / steps,
  riemann_trapezoid: (k, steps) => k / (steps - 1),
};

/** The `steps` nodes of a rule, ascending. */
export function integrationNodes(rule: IntegrationRule, steps: number): IntegrationNode[] {
  if (rule === 'gausslegendre') return gaussLegendre(steps);
  // Captum's weights of the trapezoid rule sum to (steps − 1) / steps.
  const halved = (k: number) => rule === 'riemann_trapezoid' && (k === 0 || k === steps - 1);
  return Array.from({ length: steps }, (_, k) => ({
    alpha: PLACES[rule](k, steps),
    weight: (halved(k) ? 0.5 : 1) / steps,
  }));
}

/** Both ends and what lies evenly between them, all of one weight: how XRAI's published program integrates. */
export function evenNodes(steps: number): IntegrationNode[] {
  return Array.from({ length: steps }, (_, k) => ({ alpha: k / (steps - 1), weight: 1 / steps }));
}

/** Roots of the Legendre polynomial of that degree and the quadrature weights, mapped from −1 … 1, by Newton's method. */
function gaussLegendre(degree: number): IntegrationNode[] {
  return Array.from({ length: degree }, (_, k) => {
    // Abramowitz and Stegun 1964, 22.16.6: close enough that the method finds this root.
    let x = -Math.cos((Math.PI * (k + 0.75)) / (degree + 0.5));
    let slope = 1;
    for (let round = 0; round < 100; round++) {
      const [value, derivative] = legendre(degree, x);
      slope = derivative;
      const step = value / derivative;
      x -= step;
      if (Math.abs(step) < 1e-16) break;
    }
    return { alpha: (1 + x) / 2, weight: 1 / ((1 - x * x) * slope * slope) };
  });
}

/** The polynomial and its derivative at x, by Bonnet's recursion. */
function legendre(degree: number, x: number): [value: number, derivative: number] {
  let [before, value] = [1, x];
  for (let n = 2; n <= degree; n++) [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
  return [value, (degree * (x * value - before)) / (x * x - 1)];
}
