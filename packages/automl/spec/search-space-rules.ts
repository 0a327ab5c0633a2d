import { isDistribution } from '../search/space.ts';
import type { Problem } from '../yaml/problem.ts';
import { describeRange } from '../yaml/value-schema.ts';
import type { Path } from '../yaml/yaml-source.ts';
import { boundsProblem } from './distribution-schema.ts';
import { definitionOf } from './hyperparameters.ts';
import type { JobSubSpace } from './job.ts';
import type { PartialJob } from './job-rules.ts';

/**
 * What the sampling algorithm and the bounds of distributions forbid in a search space.
 *
 * @param lineOf line of the file in which the value at a path stands
 */
export function searchSpaceProblems(job: PartialJob, lineOf: (path: Path) => number | undefined): Problem[] {
  const space = job.search_space ?? [];
  const sampling = job.sweep?.sampling_algorithm;
  const algorithm = typeof sampling === 'object' ? sampling.type : sampling;
  const problems = space.flatMap((subSpace, index) => subSpaceProblems(subSpace, index, algorithm, lineOf));
  if (algorithm === 'bayesian' && space.length > 1) {
    problems.push({
      code: 'beyond-azure',
      severity: 'warning',
      path: ['search_space', 1],
      message: "Azure's bayesian sampling takes one map of parameters; here it takes several",
    });
  }
  return problems;
}

function subSpaceProblems(
  subSpace: JobSubSpace,
  index: number,
  algorithm: string | undefined,
  lineOf: (path: Path) => number | undefined,
): Problem[] {
  const problems: Problem[] = [];
  for (const [parameter, value] of Object.entries(subSpace)) {
    if (!isDistribution(value)) continue;
    const path = ['search_space', index, parameter];
    if (algorithm === 'grid' && value.type !== 'choice') {
      const message = `a grid can not enumerate ${value.type}`;
      const hint = `list the values to try as {type: choice, values: […]}, or use sampling_algorithm: random`;
      problems.push({ code: 'rule', path: [...path, 'type'], message, hint });
    }
    if (algorithm === 'bayesian' && !['choice', 'uniform', 'quniform'].includes(value.type)) {
      const message = `Azure's bayesian sampling takes choice, uniform and quniform; here it takes ${value.type}, too`;
      problems.push({ code: 'beyond-azure', severity: 'warning', path: [...path, 'type'], message });
    }
    if ('min_value' in value && value.min_value > value.max_value) {
      const line = lineOf([...path, 'max_value']);
      const where = line === undefined ? `${value.max_value}` : `${value.max_value}, line ${line}`;
      const message = `min_value is greater than max_value (${where})`;
      problems.push({ code: 'rule', path: [...path, 'min_value'], on: 'key', message });
    }
    const definition = definitionOf(parameter);
    if (definition === undefined || !('range' in definition)) continue;
    const noun = definition.kind === 'int' ? 'a whole number' : 'a number';
    const right = `${parameter} must be ${describeRange(noun, definition.range)}`;
    const wrong = boundsProblem(value, definition.range, right);
    if (wrong !== undefined) {
      const { key, message, hint } = wrong;
      problems.push({ code: 'wrong-value', path: [...path, key], message, ...(hint && { hint }) });
    }
  }
  return problems;
}
