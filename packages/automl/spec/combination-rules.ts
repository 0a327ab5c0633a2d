import { isDistribution, type SpaceValue } from '../search/space.ts';
import type { Problem } from '../yaml/problem.ts';
import { alternatives } from '../yaml/value-schema.ts';
import { formatPath, type Path } from '../yaml/yaml-source.ts';
import { type Rule, rules } from './hyperparameter-rules.ts';
import { definitionOf, type HyperparameterName } from './hyperparameters.ts';
import type { GivenHyperparameters, JobSubSpace } from './job.ts';
import type { PartialJob } from './job-rules.ts';
import { defaultOf } from './resolve-hyperparameters.ts';
import { defaultModels, modelNames, type Task } from './tasks.ts';

/** More combinations than these are not tried out; what is wrong with the others shows when they are drawn. */
const maxCombinations = 10_000;

/** Where the values of a trial come from: the fixed parameters of a job, over them one of its sub-spaces. */
interface Origin {
  readonly fixed: GivenHyperparameters;
  readonly drawn: JobSubSpace;
  /** Index of the sub-space; undefined for a job without a search space. */
  readonly index: number | undefined;
}

/**
 * Hyperparameters that do not fit the model or one another: an error where no trial can be right, a warning where only
 * some are wrong.
 *
 * @param isWrong whether the value at a path is there but wrong, so that nothing can be said about it
 */
export function combinationProblems(task: Task, job: PartialJob, isWrong: (path: Path) => boolean): Problem[] {
  if (isWrong(['training_parameters']) || isWrong(['search_space'])) return [];
  const fixed = job.training_parameters ?? {};
  const origins: Origin[] =
    job.search_space === undefined
      ? [{ fixed, drawn: {}, index: undefined }]
      : job.search_space.map((drawn, index) => ({ fixed, drawn, index }));
  const choosesModel = job.search_space === undefined && (job.limits?.max_trials ?? 1) > 1;
  if (choosesModel && fixed.model_name === undefined) {
    // AutoMode leaves out the models that do not fit; wrong is only what fits none.
    const [origin] = origins;
    const of = (rule: Rule) => ruleProblems(rule, task, modelNames[task], origin, isWrong);
    return rules.flatMap(of).filter(({ severity }) => severity !== 'warning');
  }
  const problems = origins.flatMap((origin) => [
    ...overriddenProblems(origin),
    ...(modelIsWrong(origin, isWrong) ? [] : originProblems(task, origin, isWrong)),
  ]);
  return [...problems, ...uselessFixedProblems(task, origins, isWrong)];
}

function originProblems(task: Task, origin: Origin, isWrong: (path: Path) => boolean): Problem[] {
  const models = modelsOf(task, origin);
  return [
    ...rules.flatMap((rule) => ruleProblems(rule, task, models, origin, isWrong)),
    ...Object.keys(origin.drawn).flatMap((name) => uselessProblem(name, pathOf(name, origin), models)),
  ];
}

function ruleProblems(
  rule: Rule,
  task: Task,
  models: readonly string[],
  origin: Origin,
  isWrong: (path: Path) => boolean,
): Problem[] {
  const given = rule.involves.find((name) => isGiven(name, origin));
  const applies = rule.involves.every((name) => definitionOf(name)?.tasks.includes(task));
  if (given === undefined || !applies) return [];
  if (rule.involves.some((name) => possiblePaths(name, origin).some(isWrong))) return [];

  let tried = 0;
  let example: { message: string; hint: string } | undefined;
  let someAreRight = !rule.holdsBetweenEnds && rule.involves.some((name) => isRange(name, origin));
  for (const model of models) {
    const ranges = rule.involves.map((name) => possibleValues(name, task, model, origin));
    for (const values of combinations(ranges)) {
      if (++tried > maxCombinations) break;
      const message = rule.concerns(model) ? rule.broken(model, ...values) : undefined;
      if (message === undefined) someAreRight = true;
      else example ??= { message, hint: rule.hint(model) };
    }
  }
  if (example === undefined) return [];
  const problem = { code: 'rule', path: pathOf(given, origin), ...example } as const;
  return [
    someAreRight ? { ...problem, severity: 'warning', message: `some trials will fail: ${example.message}` } : problem,
  ];
}

/** What says the same of the models of another family. */
const counterparts: Readonly<Record<string, string>> = {
  image_size: 'min_size and max_size',
  min_size: 'image_size',
  max_size: 'image_size',
};

/** A hyperparameter that none of the models has. */
function uselessProblem(name: string, path: Path, models: readonly string[]): Problem[] {
  const takers = definitionOf(name)?.models;
  if (takers === undefined || models.some((model) => takers.includes(model))) return [];
  const message = `${name} has no effect on ${alternatives(models)}`;
  const instead = counterparts[name];
  const hint = `it belongs to ${alternatives(takers)}${instead === undefined ? '' : `; the others have ${instead}`}`;
  return [{ code: 'unused', severity: 'warning', path, on: 'key', message, hint }];
}

function uselessFixedProblems(task: Task, origins: readonly Origin[], isWrong: (path: Path) => boolean): Problem[] {
  if (origins.some((origin) => modelIsWrong(origin, isWrong))) return [];
  const models = [...new Set(origins.flatMap((origin) => modelsOf(task, origin)))];
  const fixed = origins[0]?.fixed ?? {};
  return Object.keys(fixed).flatMap((name) => uselessProblem(name, ['training_parameters', name], models));
}

function overriddenProblems({ fixed, drawn, index }: Origin): Problem[] {
  return Object.keys(drawn)
    .filter((name) => Object.hasOwn(fixed, name))
    .map((name) => ({
      code: 'unused',
      severity: 'warning',
      path: ['training_parameters', name],
      on: 'key',
      message: `${name} is also in ${formatPath(['search_space', index ?? 0])}, whose value is used there`,
    }));
}

function modelIsWrong(origin: Origin, isWrong: (path: Path) => boolean): boolean {
  return possiblePaths('model_name', origin).some(isWrong);
}

function modelsOf(task: Task, { fixed, drawn }: Origin): readonly string[] {
  const value = drawn.model_name ?? fixed.model_name ?? defaultModels[task];
  if (typeof value === 'object' && value.type === 'choice') return [...new Set(value.values.map(String))];
  return [String(value)];
}

function isGiven(name: string, { fixed, drawn }: Origin): boolean {
  return Object.hasOwn(drawn, name) || Object.hasOwn(fixed, name);
}

function pathOf(name: string, { drawn, index }: Origin): Path {
  const isDrawn = index !== undefined && Object.hasOwn(drawn, name);
  return isDrawn ? ['search_space', index, name] : ['training_parameters', name];
}

function possiblePaths(name: string, { index }: Origin): Path[] {
  const fixed: Path = ['training_parameters', name];
  return index === undefined ? [fixed] : [fixed, ['search_space', index, name], ['search_space', index]];
}

/** Whether more values can be drawn for a parameter than `possibleValues` gives. */
function isRange(name: string, { fixed, drawn }: Origin): boolean {
  const value = (drawn[name] ?? fixed[name as HyperparameterName]) as SpaceValue | undefined;
  return value !== undefined && isDistribution(value) && value.type !== 'choice';
}

/** The values that a parameter can have; of a range its ends. */
function possibleValues(
  name: HyperparameterName,
  task: Task,
  model: string,
  { fixed, drawn }: Origin,
): readonly unknown[] {
  const value = (drawn[name] ?? fixed[name]) as SpaceValue | undefined;
  if (value === undefined) return [defaultOf(name, task, model)];
  if (!isDistribution(value)) return [value];
  switch (value.type) {
    case 'choice':
      return value.values;
    case 'randint':
      return [0, value.upper - 1];
    case 'uniform':
    case 'quniform':
      return [value.min_value, value.max_value];
    case 'loguniform':
    case 'qloguniform':
      return [Math.round(Math.exp(value.min_value)), Math.round(Math.exp(value.max_value))];
    case 'normal':
    case 'qnormal':
      return [Math.round(value.mu)];
    case 'lognormal':
    case 'qlognormal':
      return [Math.round(Math.exp(value.mu))];
  }
}

function* combinations(ranges: readonly (readonly unknown[])[]): Generator<unknown[], void, undefined> {
  const [first, ...rest] = ranges;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const value of first) for (const others of combinations(rest)) yield [value, ...others];
}
