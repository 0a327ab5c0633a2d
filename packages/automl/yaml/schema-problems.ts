import { didYouMean, nearest } from '@fovea/data';
import type { z } from 'zod';
import { isMap, show, valueAt } from './plain-value.ts';
import type { Problem } from './problem.ts';
import { formatPath, type Path } from './yaml-source.ts';

export type SchemaIssue = z.core.$ZodIssue;

/** `means`: the known key that an unknown one probably stands for. */
export type FoundProblem = Problem & { readonly means?: string };

/** What a kind of file says in its own words; `unknownKey` and `wrongValue` below are the usual ones. */
export interface SchemaWords {
  /** Keys at the top of the file that have to be there. */
  readonly required: ReadonlySet<unknown>;
  /** @param path of the map that has the key */
  unknownKey?(key: string, known: readonly string[], path: Path): FoundProblem;
  /** @param name what the value is called */
  wrongValue?(path: Path, value: unknown, issue: SchemaIssue, name: string): Problem;
  /** Of a map whose `type` decides which keys it has; undefined: there is none. */
  wrongType?(path: Path, type: unknown): Problem;
  /** What a value is called; the end of its path when undefined. */
  nameOf?(path: Path): string | undefined;
}

/**
 * What the schema found, in words: each issue with the key that it is about, what stands there, and the nearest right word.
 *
 * @param raw the values that were checked
 */
export function schemaProblems(issues: readonly SchemaIssue[], raw: unknown, words: SchemaWords): Problem[] {
  const problems = issues.flatMap((issue) => problemsOf(issue, [], raw, words));
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

const siblingKey = (path: Path, key: string) => JSON.stringify([...path.slice(0, -1), key]);

function problemsOf(issue: SchemaIssue, prefix: Path, raw: unknown, words: SchemaWords): FoundProblem[] {
  const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const value = valueAt(raw, path);
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ');
    return issue.keys.map((key) => (words.unknownKey ?? unknownKey)(key, known, path));
  }
  const { wrongType } = words;
  if (value === undefined && issue.code === 'invalid_union' && wrongType) return [wrongType(path, value)];
  if (value === undefined) return [missing(path, issue)];
  const name = words.nameOf?.(path) ?? endOf(path);
  if (value === null) {
    const hint =
      path.length === 1 && words.required.has(path[0]) ? 'it is required' : 'give it one, or take the key out';
    return [{ code: 'no-value', path, on: 'key', message: `${name} has no value`, hint }];
  }
  const wrong = words.wrongValue ?? wrongValue;
  if (issue.code === 'invalid_union') {
    if (issue.discriminator !== undefined && wrongType) return [wrongType(path, value)];
    if (issue.message.startsWith('must ') && !isMap(value)) return [wrong(path, value, issue, name)];
    // A value or a map: the side that was meant says what is wrong with it.
    const [asValue = [], asMap = []] = issue.errors;
    return (isMap(value) ? asMap : asValue).flatMap((inner) => problemsOf(inner, path, raw, words));
  }
  return [wrong(path, value, issue, name)];
}

/**
 * @param message what is said of it
 * @param alias the known key that it is another name of
 */
export function unknownKey(
  key: string,
  known: readonly string[],
  path: Path,
  { message, alias }: { message?: string; alias?: string | undefined } = {},
): FoundProblem {
  const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  const at = {
    code: 'unknown-key',
    path: [...path, key],
    on: 'key',
    message: message ?? `unknown key${where}`,
  } as const;
  const means = alias !== undefined && known.includes(alias) ? alias : nearest(key, known);
  return means === undefined
    ? { ...at, hint: `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}` }
    : { ...at, hint: `did you mean ${means}?`, means };
}

function missing(path: Path, issue: SchemaIssue): Problem {
  const parent = path.slice(0, -1);
  const where = parent.length === 0 ? '' : ` in ${formatPath(parent)}`;
  const right = issue.message.startsWith('must be ') ? issue.message.slice('must be '.length) : undefined;
  const hint = right === undefined || right === 'text' ? {} : { hint: `it must be ${right}` };
  return { code: 'missing', path, message: `${path.at(-1)} is missing${where}`, ...hint };
}

/** @param name what the value is called */
export function wrongValue(path: Path, value: unknown, issue: SchemaIssue, name: string): Problem {
  const at = { code: 'wrong-value', path } as const;
  if (!issue.message.startsWith('must ')) return { ...at, message: `${name} ${issue.message}` };
  const near =
    issue.code === 'invalid_value' && typeof value === 'string'
      ? didYouMean(value, issue.values.map(String))
      : undefined;
  const quote =
    issue.message === 'must be text' && typeof value !== 'object' ? `put it in quotes: "${value}"` : undefined;
  const hint = near ?? quote;
  return { ...at, message: `${name} ${issue.message}, not ${show(value)}`, ...(hint && { hint }) };
}

/** The last key of a path; for an element of a list, the list with its index. */
const endOf = (path: Path): string => formatPath(path.slice(path.findLastIndex((part) => typeof part === 'string')));
