import { didYouMean } from '@fovea/data';
import { show } from '../yaml/plain-value.ts';
import type { Problem } from '../yaml/problem.ts';
import {
  type FoundProblem,
  type SchemaIssue,
  type SchemaWords,
  unknownKey,
  wrongValue,
} from '../yaml/schema-problems.ts';
import { alternatives } from '../yaml/value-schema.ts';
import { formatPath, type Path } from '../yaml/yaml-source.ts';
import { acceptedDistributions } from './distribution-schema.ts';
import { distributionTypes } from './expression.ts';
import { definitionOf, hyperparameters, nameFromElsewhere } from './hyperparameters.ts';
import { earlyTerminationTypes } from './job.ts';
import { modelNames, type Task } from './tasks.ts';

/** What is said of a job file beyond what is said of any file: of hyperparameters, distributions, policies and models. */
export const jobWords = (task: Task | undefined): SchemaWords => ({
  required: new Set(['type', 'task', 'target_column_name', 'training_data']),
  unknownKey: (key, known, path) => unknownJobKey(key, known, path, task),
  wrongValue: (path, value, issue, name) => wrongJobValue(path, value, issue, { name, task }),
  wrongType: (path, type) => (type === undefined ? missingType(path) : wrongType(path, type)),
  nameOf,
});

function unknownJobKey(key: string, known: readonly string[], path: Path, task: Task | undefined): FoundProblem {
  const at = { code: 'unknown-key', path: [...path, key], on: 'key' } as const;
  const searching = path[0] === 'search_space' && path.length === 2;
  const named = searching || path[0] === 'training_parameters';
  const message = 'unknown hyperparameter';
  if (named) {
    const elsewhere = nameFromElsewhere(key);
    const definition = definitionOf(key);
    if (elsewhere !== undefined && known.includes(elsewhere)) {
      return { ...at, message, hint: `it is called ${elsewhere} here` };
    }
    if (definition?.searchable === false && searching) {
      return { ...at, message: `${key} can not be searched`, hint: 'give it in training_parameters' };
    }
    if (definition !== undefined) {
      return { ...at, message: `${key} is a hyperparameter of ${alternatives(definition.tasks)}, not of ${task}` };
    }
    if (key === 'split_ratio') return { ...at, message, hint: 'give validation_data_size at the top of the job' };
  }
  const found = unknownKey(key, known, path, { ...(named && { message }), alias: boundAliases.get(key) });
  const home = known.includes('type') && path.length > 0 ? undefined : homeOf(key);
  if (home === undefined || path.includes(home)) return found;
  return { ...at, message: found.message, hint: `it belongs under ${home}` };
}

/** What people call the bounds of distributions. */
const boundAliases: ReadonlyMap<string, string> = new Map([
  ...['min', 'low', 'lower', 'start'].map((name) => [name, 'min_value'] as const),
  ...['max', 'high', 'upper', 'end', 'stop'].map((name) => [name, 'max_value'] as const),
  ['mean', 'mu'],
  ['std', 'sigma'],
]);

/** The section that a well-known key belongs in, when it stands in another one. */
function homeOf(key: string): string | undefined {
  if (['max_trials', 'max_concurrent_trials', 'timeout_minutes'].includes(key)) return 'limits';
  if (['sampling_algorithm', 'early_termination'].includes(key)) return 'sweep';
  return key === 'model_name' || Object.hasOwn(hyperparameters, key) ? 'training_parameters' : undefined;
}

function missingType(path: Path): Problem {
  const types = path[0] === 'search_space' ? distributionTypes : earlyTerminationTypes;
  return {
    code: 'missing',
    path,
    message: `type is missing in ${formatPath(path.slice(0, -1))}`,
    hint: `it must be ${alternatives(types)}`,
  };
}

/** The `type` of a distribution or of an early-termination policy is none that can stand there. */
function wrongType(path: Path, type: unknown): Problem {
  const at = { code: 'wrong-value', path } as const;
  const [root, , parameter] = path;
  if (root !== 'search_space') {
    const near = typeof type === 'string' ? didYouMean(type, earlyTerminationTypes) : undefined;
    const message = `type must be ${alternatives(earlyTerminationTypes)}, not ${show(type)}`;
    return { ...at, message, ...(near && { hint: near }) };
  }
  const known: readonly string[] = distributionTypes;
  if (typeof type === 'string' && known.includes(type)) {
    const definition = definitionOf(String(parameter));
    const accepted = definition === undefined ? ['choice'] : acceptedDistributions(definition);
    return {
      ...at,
      message: `${parameter} can not be drawn from ${type}`,
      hint: `it takes a fixed value or ${alternatives(accepted)}`,
    };
  }
  const hint = (typeof type === 'string' ? didYouMean(type, known) : undefined) ?? `there are ${known.join(', ')}`;
  return { ...at, message: `unknown distribution ${show(type)}`, hint };
}

function wrongJobValue(
  path: Path,
  value: unknown,
  issue: SchemaIssue,
  { name, task }: { readonly name: string; readonly task: Task | undefined },
): Problem {
  const found =
    namesModel(path) && task !== undefined ? wrongModel(path, value, task) : wrongValue(path, value, issue, name);
  if (!Array.isArray(value)) return found;
  if (path[0] === 'search_space' && path.length === 3) return { ...found, hint: listHint(value) };
  const isFixed = path[0] === 'training_parameters' && found.code === 'wrong-value' && found.hint === undefined;
  return isFixed ? { ...found, hint: 'values to try belong in search_space' } : found;
}

const listHint = (value: unknown[]) => `to try several values write {type: choice, values: ${JSON.stringify(value)}}`;

/** Whether a path is that of `model_name`, or of one of its choices. */
function namesModel(path: Path): boolean {
  const [root, ...rest] = path;
  if (root === 'training_parameters') return rest[0] === 'model_name';
  return root === 'search_space' && rest[1] === 'model_name' && (rest.length === 2 || rest.length === 4);
}

function wrongModel(path: Path, value: unknown, task: Task): Problem {
  const names: readonly string[] = modelNames[task];
  const list = `${task} has ${names.join(', ')}`;
  const at = { code: 'unknown-model', path, hint: list } as const;
  if (typeof value !== 'string') {
    return { ...at, message: `model_name must be the name of a model, not ${show(value)}` };
  }
  const source = /^[\w.-]+\/[\w.-]+$/.test(value)
    ? 'the Hugging Face Hub'
    : /^mmd-|_(coco|lvis|voc|cityscapes)$/.test(value)
      ? 'the MMDetection zoo'
      : undefined;
  if (source !== undefined) {
    return { ...at, code: 'unsupported', message: `models of ${source} (${value}) are not supported yet` };
  }
  return { ...at, message: `unknown model ${show(value)}`, hint: didYouMean(value, names) ?? list };
}

/** A value of a choice is called by its hyperparameter. */
function nameOf(path: Path): string | undefined {
  const [root, , parameter, values, index] = path;
  return root === 'search_space' && values === 'values' && index !== undefined ? String(parameter) : undefined;
}
