/** Parity files of operators say in words how their tensors are made: `2*s of ls_a [6,4]`, `u of dc_mask`. */

import type { Tensor } from '@fovea/torch';
import { generated } from './fill.ts';

/** The parts of the first match. @throws Error when the description does not say it */
export function parts(description: string, pattern: RegExp): string[] {
  const found = pattern.exec(description);
  if (!found) throw new Error(`"${description}" does not say ${pattern.source}`);
  return found.slice(1);
}

/**
 * The tensor that follows `label =` in a description, e.g. `offset = 1.5*s of dc_offset`.
 *
 * @param shape where the description gives none
 */
export function described(description: string, label: string, shape?: readonly number[]): Tensor {
  const pattern = new RegExp(`(?:^|[^\\w])${label} ?= ?(?:([\\d.]+)\\*)?([su]) of (\\w+)(?: \\[([\\d, ]+)\\])?`);
  const [factor = '1', kind, name, sizes] = parts(description, pattern);
  const given = sizes?.split(',').map(Number) ?? shape;
  if (!given) throw new Error(`"${description}" does not say the shape of ${label}`);
  return generated(name, given, (s) => Number(factor) * (kind === 's' ? s : (s + 1) / 2));
}

/** Boxes whose corners follow a formula with six numbers. */
export interface DescribedBoxes {
  name: string;
  n: number;
  formula: string;
}

/** `[n, 4]`, corners: x1 = A u0, y1 = B u1, x2 = x1 + C + D u2, y2 = y1 + E + F u3. */
export function describedBoxes({ name, n, formula }: DescribedBoxes): Tensor {
  const number = '([\\d.]+)';
  const sides = `x2=x1\\+${number}\\+${number}\\*u2, y2=y1\\+${number}\\+${number}\\*u3`;
  const [width, height, leastWidth, moreWidth, leastHeight, moreHeight] = parts(
    formula,
    new RegExp(`x1=${number}\\*u0, y1=${number}\\*u1, ${sides}`),
  ).map(Number);
  const corner: number[] = [];
  let column = 0;
  return generated(name, [n, 4], (s) => {
    const u = (s + 1) / 2;
    const make = [
      () => width * u,
      () => height * u,
      () => corner[0] + leastWidth + moreWidth * u,
      () => corner[1] + leastHeight + moreHeight * u,
    ];
    corner[column] = make[column]();
    const value = corner[column];
    column = (column + 1) % 4;
    return value;
  });
}
