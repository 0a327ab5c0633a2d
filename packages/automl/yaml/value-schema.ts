import { z } from 'zod';

/** Bounds of a number; `above` and `below` are open ends. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

// The message of each schema says what would be right ("must be a whole number from 1 to 1000"); the report puts the
// key before it and what stands there after it.

export const text = () => {
  const error = () => 'must be text';
  return z.string({ error }).min(1, { error });
};

export const wholeNumber = (range: Range) => {
  const error = () => `must be ${describeRange('a whole number', range)}`;
  return z.preprocess(numberFromText, bounded(z.int({ error }), range, error));
};

export const number = (range: Range) => {
  const error = () => `must be ${describeRange('a number', range)}`;
  return z.preprocess(numberFromText, bounded(z.number({ error }), range, error));
};

export const trueOrFalse = () => z.preprocess(booleanFromWord, z.boolean({ error: () => 'must be true or false' }));

/** One of some words. `WarmupCosine`, `warmup-cosine` and `warmup_cosine` are the same word. */
export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  aliases: Readonly<Record<string, string>> = {},
) => {
  const spellings = new Map(
    [...values.map((value) => [value, value]), ...Object.entries(aliases)].map(
      ([spelling, value]) => [squash(spelling as string), value as string] as const,
    ),
  );
  const canonical = (value: unknown) => (typeof value === 'string' ? (spellings.get(squash(value)) ?? value) : value);
  return z.preprocess(canonical, z.enum(values, { error: () => `must be ${alternatives(values)}` }));
};

/**
 * A map of known keys. For an unknown key the message of its issue is the list of known ones, from which the report takes
 * the nearest.
 */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(' ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? known : 'must be a map of keys'),
  });
}

/** Map of text to text; numbers and truth values are taken as their text. */
export const textMap = () =>
  z.record(
    z.string(),
    z.preprocess(
      (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
      z.string({ error: () => 'must be text' }),
    ),
    { error: () => 'must be a map of text to text' },
  );

/** What is left of a word when case, `_`, `-` and blanks do not count: how enumeration words are compared. */
export function squash(word: string): string {
  return word.toLowerCase().replace(/[_\-\s]/g, '');
}

/** "a, b or c" */
export function alternatives(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** "a whole number from 1 to 1000", "a number from 0 up to but not including 1" */
export function describeRange(noun: string, { min, max, above, below }: Range): string {
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  if (min !== undefined && below !== undefined) return `${noun} from ${min} up to but not including ${below}`;
  if (above !== undefined && below !== undefined) return `${noun} above ${above} and below ${below}`;
  if (min !== undefined) return `${noun}, ${min} or more`;
  return above === undefined ? noun : `${noun} above ${above}`;
}

export function inRange(value: number, { min, max, above, below }: Range): boolean {
  return (
    value >= (min ?? Number.NEGATIVE_INFINITY) &&
    value <= (max ?? Number.POSITIVE_INFINITY) &&
    value > (above ?? Number.NEGATIVE_INFINITY) &&
    value < (below ?? Number.POSITIVE_INFINITY)
  );
}

function bounded<Schema extends z.ZodNumber>(schema: Schema, range: Range, error: () => string): Schema {
  let result: z.ZodNumber = schema;
  if (range.min !== undefined) result = result.min(range.min, { error });
  if (range.max !== undefined) result = result.max(range.max, { error });
  if (range.above !== undefined) result = result.gt(range.above, { error });
  if (range.below !== undefined) result = result.lt(range.below, { error });
  return result as Schema;
}

/** Text that is a number counts as it: the string form of a search space and quoted YAML both come as text. */
function numberFromText(value: unknown): unknown {
  return typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim())
    ? Number(value)
    : value;
}

const truthWords: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...[1, '1', 'true', 'yes', 'on', 't', 'y'].map((word) => [word, true] as const),
  ...[0, '0', 'false', 'no', 'off', 'f', 'n'].map((word) => [word, false] as const),
]);

/** What the SDK reads as a truth value: v1 wrote flags as 0 and 1. */
function booleanFromWord(value: unknown): unknown {
  return truthWords.get(typeof value === 'string' ? value.trim().toLowerCase() : value) ?? value;
}
