import { type Check, failed, within } from '@fovea/vision/figures';
import type { Figures } from './read-cases.ts';

/** The largest deviation met, and what stands first among what differs in more than its value. */
interface Walk {
  worst: number;
  at: string;
  problem: string | null;
}

/**
 * Compares every recorded figure with the one found under the same name and place; what was found besides is not looked at.
 * Undefined (null) must be undefined, lists must be of the same length, and a name that was not found is a miss.
 *
 * @param tolerance absolute
 */
export function compare(name: string, expected: Figures, found: Figures, tolerance: number): Check {
  const walk: Walk = { worst: 0, at: '', problem: null };
  visit(expected, found, '', walk);
  return walk.problem ? failed(name, walk.problem) : within(name, walk.worst, tolerance, walk.at);
}

function visit(expected: Figures, found: Figures | undefined, path: string, walk: Walk): void {
  if (typeof expected === 'number' && typeof found === 'number') {
    const difference = Math.abs(expected - found);
    if (!(difference <= walk.worst)) {
      walk.worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
      walk.at = path;
    }
  } else if (isList(expected) && isList(found) && expected.length === found.length) {
    for (const [i, item] of expected.entries()) visit(item, found[i], `${path}[${i}]`, walk);
  } else if (isGroup(expected) && isGroup(found)) {
    for (const [key, value] of Object.entries(expected)) visit(value, found[key], path ? `${path}.${key}` : key, walk);
  } else if (expected !== found) {
    walk.problem ??= `${path || 'value'} is ${described(found)}, expected ${described(expected)}`;
  }
}

const isList = (value: unknown): value is readonly Figures[] => Array.isArray(value);

const isGroup = (value: unknown): value is { readonly [name: string]: Figures } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function described(value: Figures | undefined): string {
  if (value === undefined) return 'not computed';
  if (value === null) return 'undefined';
  if (isList(value)) return `a list of ${value.length}`;
  return isGroup(value) ? 'a group' : JSON.stringify(value);
}
