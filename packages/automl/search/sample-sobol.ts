import { createRng } from '@fovea/data';
import { draw, sitesOf } from './draw.ts';
import { SOBOL_DIMENSIONS, sobol } from './sobol.ts';
import type { Assignment, Space } from './space.ts';

/**
 * A trial of a sequence that covers a space more evenly than independent draws do. The points are shifted by random bits (Cranley and
 * Patterson's idea, in base 2), so that seeds give different sequences and none begins at the lower bounds.
 *
 * @param index of the trial, from 0
 * @throws RangeError for an empty space, an empty choice, or more places to draw at than the sequence has dimensions
 */
export function sampleSobol(space: Space, index: number, seed: number): Assignment {
  const sites = sitesOf(space);
  if (sites.length > SOBOL_DIMENSIONS)
    throw new RangeError(
      `a Sobol sequence draws at most ${SOBOL_DIMENSIONS} parameters, and there are ${sites.length}`,
    );
  const random = createRng(seed).uniform;
  const shares = new Map(
    sites.map(({ key }, dimension) => [key, shifted(sobol(index, dimension), Math.floor(random() * 2 ** 32))]),
  );
  return draw(space, ({ key }) => shares.get(key) as number);
}

const shifted = (share: number, bits: number): number => (((share * 2 ** 32) ^ bits) >>> 0) / 2 ** 32;
