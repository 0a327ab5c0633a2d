import { createRng } from '@fovea/data';
import { SOBOL_DIMENSIONS, sobol } from './sobol.ts';
import type { Assignment, Space } from './space.ts';
import { type Decision, type SpaceTree, treeOf } from './space-tree.ts';

/**
 * A trial of a sequence that covers a space more evenly than independent draws do. The points are shifted by random bits (Cranley and
 * Patterson's idea, in base 2), so that seeds give different sequences and none begins at the lower bounds.
 *
 * @param index of the trial, from 0
 * @throws RangeError for an empty space or an empty choice
 */
export function sampleSobol(space: Space, index: number, seed: number): Assignment {
  const tree = treeOf(space);
  return tree.draw(sobolDecision(tree, index, seed)).assignment;
}

/** The decisions of a point of the sequence; at sites beyond its dimensions independent ones. */
export function sobolDecision({ sites }: SpaceTree, index: number, seed: number): Decision {
  const random = createRng(seed).uniform;
  const shifts = sites.map(() => Math.floor(random() * 2 ** 32));
  return (site) =>
    site.index < SOBOL_DIMENSIONS
      ? shifted(sobol(index, site.index), shifts[site.index])
      : independent(index, shifts[site.index]);
}

const shifted = (share: number, bits: number): number => (((share * 2 ** 32) ^ bits) >>> 0) / 2 ** 32;

const independent = (index: number, seed: number): number => createRng(seed + index).uniform();
