import {
  applySets,
  type FileKind,
  inOrder,
  issueAt,
  type Path,
  type Problem,
  readYamlSource,
  schemaProblems,
} from '@fovea/automl/yaml';
import type { z } from 'zod';
import type { ReadOptions, ReadSpec } from './endpoints/spec/read-spec.ts';

/** A small kind of file: keys, and what is to be said of them. */
export interface PlainFile<Checked, Value> {
  readonly file: FileKind;
  readonly schema: z.ZodType<Checked>;
  readonly required: readonly string[];
  /** Keys that are refused, whatever they say, and why. */
  readonly refused?: Readonly<Record<string, string>>;
  make(checked: Checked): Value;
  /** What depends on more than a key, and what has no effect. @param said the keys that are said, and not those that stay as they were */
  rules(value: Value, said: Readonly<Record<string, unknown>>): Problem[];
}

/**
 * Reads a file with what the command line says over it: every problem at once. Never throws, whatever the text.
 * @param text null: the command line says all
 */
export function readPlainFile<Checked, Value>(
  { file: kind, schema, required, refused = {}, make, rules }: PlainFile<Checked, Value>,
  text: string | null,
  { file, set = [], forceString = false, given = [], base = {} }: ReadOptions,
): ReadSpec<Value> {
  const { value: inFile, source, issues } = readYamlSource(text ?? '{}', file, kind);
  if (inFile === null) return { value: null, issues, source };
  const raw: Record<string, unknown> = { ...base, ...inFile };
  issues.push(...applySets(raw, source, set, kind, { forceString }));
  for (const { key, value, argument } of given) {
    raw[key] = value;
    source.recordArgument([key], argument);
  }
  const before = base as Readonly<Record<string, unknown>>;
  const said = Object.fromEntries(
    Object.entries(raw).filter(([key, value]) => value !== undefined && value !== null && value !== before[key]),
  );
  const problems = Object.entries(refused)
    .filter(([key]) => said[key] !== undefined && said[key] !== false)
    .map(([key, why]): Problem => ({ code: 'unsupported', path: [key], on: 'key', message: `${key}: ${why}` }));
  const checked = schema.safeParse(raw);
  const value = checked.success ? make(checked.data) : null;
  if (value !== null) problems.push(...rules(value, said));
  if (!checked.success) {
    const words = {
      required: new Set(required),
      nameOf: (path: Path) => (path.length > 1 ? path.join('.') : undefined),
    };
    problems.push(...schemaProblems(checked.error.issues, raw, words));
  }
  issues.push(...problems.map((problem) => issueAt(source, problem)));
  const args = [...set.map((argument) => `--set ${argument}`), ...given.map(({ argument }) => argument)];
  const failed = issues.some(({ severity }) => severity === 'error');
  return { value: failed ? null : value, issues: inOrder(issues, file, args), source };
}
