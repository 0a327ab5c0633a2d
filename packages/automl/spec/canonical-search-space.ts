import { isMap } from '../yaml/plain-value.ts';
import type { Problem } from '../yaml/problem.ts';
import { squash } from '../yaml/value-schema.ts';
import { distributionType, parseExpression } from './expression.ts';

/**
 * Brings the spellings of a search space and of a policy's type to one form, in place: function forms
 * (`uniform(0.001, 0.01)`) become maps, type names lose their case (`QUniform`, `MedianStopping`). What can not be read is
 * taken out and reported.
 */
export function canonicaliseSearch(job: Record<string, unknown>, policyTypes: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const [index, subSpace] of Array.isArray(job.search_space) ? job.search_space.entries() : []) {
    if (!isMap(subSpace)) continue;
    for (const [parameter, value] of Object.entries(subSpace)) {
      if (isMap(value) && typeof value.type === 'string') value.type = distributionType(value.type) ?? value.type;
      // A bare word needs no reading: its own schema takes it as text, number or truth value.
      if (typeof value !== 'string' || !value.includes('(')) continue;
      if (parameter === 'tile_grid_size' && value.startsWith('(')) continue; // `(3, 2)` is a grid
      const parsed = parseExpression(value);
      if (parsed.kind === 'wrong') {
        delete subSpace[parameter];
        problems.push({ code: 'wrong-value', path: ['search_space', index, parameter], message: parsed.message });
      } else subSpace[parameter] = parsed.value;
    }
  }
  const policy = isMap(job.sweep) ? job.sweep.early_termination : undefined;
  if (isMap(policy) && typeof policy.type === 'string') {
    const written = squash(policy.type);
    policy.type = policyTypes.find((type) => squash(type) === written) ?? policy.type;
  }
  return problems;
}
