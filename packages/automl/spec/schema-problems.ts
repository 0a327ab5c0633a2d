import { didYouMean, nearest } from '@fovea/data';
import type { z } from 'zod';
import { acceptedDistributions } from './distribution-schema.ts';
import { distributionTypes } from './expression.ts';
import { definitionOf, hyperparameters, nameFromElsewhere } from './hyperparameters.ts';
import { earlyTerminationTypes } from './job.ts';
import { formatPath, type Path } from './job-source.ts';
import type { Problem } from './problem.ts';
import { modelNames, type Task } from './tasks.ts';
import { alternatives } from './value-schema.ts';

type SchemaIssue = z.core.$ZodIssue;

/**
 * What the schema found, in words: each issue with the key that it is about, what stands there, and the nearest right word.
 *
 * @param raw the values that were checked
 */
export function schemaProblems(issues: readonly SchemaIssue[], raw: unknown, task: Task | undefined): Problem[] {
  const problems: FoundProblem[] = issues.flatMap((issue) => problemsOf(issue, [], raw, task));
  const renamed = new Set(
    problems.flatMap(({ path, means }) => (means === undefined ? [] : [siblingKey(path, means)])),
  );
  const seen = new Set<string>();
  return problems.filter(({ path, code }) => {
    // A misspelt key is not also a missing one, and a number that is neither whole nor in range is one mistake.
    if (code === 'missing' && renamed.has(JSON.stringify(path))) return false;
    const key = JSON.stringify([path, code]);
    return !seen.has(key) && seen.add(key);
  });
}

/** `means`: the known key that an unknown one probably stands for. */
type FoundProblem = Problem & { readonly means?: string };

const siblingKey = (path: Path, key: string) => JSON.stringify([...path.slice(0, -1), key]);

function problemsOf(issue: SchemaIssue, prefix: Path, raw: unknown, task: Task | undefined): FoundProblem[] {
  const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const value = valueAt(raw, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, issue.message.split(' '), path, task));
  }
  if (value === undefined && issue.code === 'invalid_union') return [missingType(path)];
  if (value === undefined) return [missing(path, issue)];
  if (value === null) {
    const hint = path.length === 1 && required.has(path[0]) ? 'it is required' : 'give it one, or take the key out';
    return [{ code: 'no-value', path, on: 'key', message: `${nameOf(path)} has no value`, hint }];
  }
  if (issue.code === 'invalid_union') {
    if (issue.discriminator !== undefined) return [wrongType(path, value)];
    // The two sides of a search-space value, a fixed value or a distribution; of a sampling, its name or a map.
    const [asValue = [], asMap = []] = issue.errors;
    const side = isMap(value) ? asMap : asValue;
    const found = side.flatMap((inner) => problemsOf(inner, path, raw, task));
    return Array.isArray(value) && path[0] === 'search_space'
      ? found.map((problem) => ({ ...problem, hint: listHint(value) }))
      : found;
  }
  if (namesModel(path) && task !== undefined) return [wrongModel(path, value, task)];
  return [wrongValue(path, value, issue)];
}

const required: ReadonlySet<unknown> = new Set(['type', 'task', 'target_column_name', 'training_data']);

function unknownKey(key: string, known: readonly string[], path: Path, task: Task | undefined): FoundProblem {
  const at = { code: 'unknown-key', path: [...path, key], on: 'key' } as const;
  const searching = path[0] === 'search_space' && path.length === 2;
  if (searching || path[0] === 'training_parameters') {
    const elsewhere = nameFromElsewhere(key);
    const definition = definitionOf(key);
    if (elsewhere !== undefined && known.includes(elsewhere)) {
      return { ...at, message: 'unknown hyperparameter', hint: `it is called ${elsewhere} here` };
    }
    if (definition?.searchable === false && searching) {
      return { ...at, message: `${key} can not be searched`, hint: 'give it in training_parameters' };
    }
    if (definition !== undefined) {
      return { ...at, message: `${key} is a hyperparameter of ${alternatives(definition.tasks)}, not of ${task}` };
    }
    if (key === 'split_ratio') {
      return { ...at, message: 'unknown hyperparameter', hint: 'give validation_data_size at the top of the job' };
    }
  }
  const home = known.includes('type') && path.length > 0 ? undefined : homeOf(key);
  const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  const message = searching || path[0] === 'training_parameters' ? 'unknown hyperparameter' : `unknown key${where}`;
  if (home !== undefined && !path.includes(home)) return { ...at, message, hint: `it belongs under ${home}` };
  const alias = boundAliases.get(key);
  const means = alias !== undefined && known.includes(alias) ? alias : nearest(key, known);
  return means === undefined
    ? { ...at, message, hint: `there are ${known.join(', ')}` }
    : { ...at, message, hint: `did you mean ${means}?`, means };
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

function missing(path: Path, issue: SchemaIssue): Problem {
  const parent = path.slice(0, -1);
  const where = parent.length === 0 ? '' : ` in ${formatPath(parent)}`;
  const right = issue.message.startsWith('must be ') ? issue.message.slice('must be '.length) : undefined;
  const hint = right === undefined || right === 'text' ? {} : { hint: `it must be ${right}` };
  return { code: 'missing', path, message: `${path.at(-1)} is missing${where}`, ...hint };
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

/** The `type` of a distribution or of an early-termination policy is not there, or none that can stand there. */
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

function wrongValue(path: Path, value: unknown, issue: SchemaIssue): Problem {
  const at = { code: 'wrong-value', path } as const;
  if (!issue.message.startsWith('must ')) return { ...at, message: `${nameOf(path)} ${issue.message}` };
  const near =
    issue.code === 'invalid_value' && typeof value === 'string'
      ? didYouMean(value, issue.values.map(String))
      : undefined;
  const toSearch =
    Array.isArray(value) && path[0] === 'training_parameters' ? 'values to try belong in search_space' : undefined;
  const quote =
    issue.message === 'must be text' && typeof value !== 'object' ? `put it in quotes: "${value}"` : undefined;
  const hint = near ?? toSearch ?? quote;
  return { ...at, message: `${nameOf(path)} ${issue.message}, not ${show(value)}`, ...(hint && { hint }) };
}

const listHint = (value: unknown[]) => `to try several values write {type: choice, values: ${JSON.stringify(value)}}`;

/** The last key of a path; for an element of a list, the list with its index; for a value of a choice, the hyperparameter. */
function nameOf(path: Path): string {
  const [root, , parameter, values, index] = path;
  if (root === 'search_space' && values === 'values' && index !== undefined) return String(parameter);
  return formatPath(path.slice(path.findLastIndex((part) => typeof part === 'string')));
}

/** A value as it can stand in a sentence. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isMap(value)) return 'a map';
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return shown.length > 60 ? `${shown.slice(0, 56)}…"` : shown;
}

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
