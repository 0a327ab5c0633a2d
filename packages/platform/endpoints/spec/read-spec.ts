import {
  applySets,
  type FileKind,
  formatPath,
  inOrder,
  isMap,
  issueAt,
  type Path,
  type Problem,
  readYamlSource,
  type SchemaWords,
  schemaProblems,
  type YamlSource,
} from '@fovea/automl/yaml';
import type { Issue } from '@fovea/data';
import type { z } from 'zod';
import { otherKind, type SpecKindName } from './schema-address.ts';

export interface ReadOptions {
  /** The name of the file in the report; without a file, of what its problems are shown at. */
  readonly file: string;
  /** `path.to.key=value` of each `--set`, applied in order over the file. */
  readonly set?: readonly string[] | undefined;
  /** Take every `--set` value as text. */
  readonly forceString?: boolean | undefined;
  /** What other options of the command line say, over the file and `set`. */
  readonly given?: readonly GivenValue[] | undefined;
  /** What there is already, as it is shown: the file goes over it, key by key. */
  readonly base?: object | undefined;
}

/** A value of the command line, as that of `--name blue`. */
export interface GivenValue {
  readonly key: string;
  readonly value: unknown;
  /** As it was typed: problems of the value are shown there. */
  readonly argument: string;
}

export interface ReadSpec<Spec> {
  /** With every default; null when there is an error among the issues. */
  readonly value: Spec | null;
  /** Every problem, errors and warnings, in the order of the file. */
  readonly issues: Issue[];
  /** For the places of what is found later. */
  readonly source: YamlSource;
}

export interface CheckedSpec<Spec> {
  /** With every default; null when there is an error among the problems. */
  readonly value: Spec | null;
  readonly problems: Problem[];
}

/** A kind of file. */
export interface SpecKind<Checked, Spec> {
  readonly name: SpecKindName;
  readonly file: FileKind;
  readonly schema: z.ZodObject & z.ZodType<Checked>;
  /** What makes it another kind of thing, that is not there: nothing else of it is looked at then. */
  other?(raw: Record<string, unknown>): Problem | undefined;
  /** Known keys that are refused whatever is in them; they are not checked any further. */
  refused?(raw: Record<string, unknown>): Problem[];
  /**
   * What depends on more than one key, and what has no effect.
   * @param parts what passed the schema
   * @param raw as it was given
   */
  rules(parts: Partial<Checked>, raw: Record<string, unknown>): Problem[];
  finish(checked: Checked): Spec;
  /** What a file makes of what there is; its keys over the others when left out. */
  over?(base: Record<string, unknown>, raw: Record<string, unknown>): Record<string, unknown>;
}

/**
 * Reads a file of endpoints or deployments: every problem is reported at once. Never throws, whatever the text.
 *
 * @param text null: there is no file, and the command line says all
 */
export function readSpec<Checked, Spec>(
  kind: SpecKind<Checked, Spec>,
  text: string | null,
  { file, set = [], forceString = false, given = [], base }: ReadOptions,
): ReadSpec<Spec> {
  const { value: said, source, issues } = readYamlSource(text ?? '{}', file, kind.file);
  if (said === null) return { value: null, issues, source };
  const raw = base === undefined ? said : (kind.over ?? over)(keysOfFile(kind, base), said);
  issues.push(...applySets(raw, source, set, kind.file, { forceString }));
  for (const { key, value, argument } of given) {
    raw[key] = value;
    source.recordArgument([key], argument);
  }
  const { value, problems } = checkSpec(kind, raw);
  issues.push(...problems.map((problem) => issueAt(source, problem)));
  const failed = issues.some(({ severity }) => severity === 'error');
  const args = [...set.map((argument) => `--set ${argument}`), ...given.map(({ argument }) => argument)];
  return { value: failed ? null : value, issues: inOrder(issues, file, args), source };
}

const over = (base: Record<string, unknown>, raw: Record<string, unknown>) => ({ ...base, ...raw });

/** What a file would say of something that is shown: what is known besides, and what is null, has no place in it. */
function keysOfFile<Checked, Spec>({ schema }: SpecKind<Checked, Spec>, record: object): Record<string, unknown> {
  const entries = Object.entries(record).filter(([key]) => Object.hasOwn(schema.shape, key));
  return withoutNulls(Object.fromEntries(entries));
}

const withoutNulls = (map: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(map).flatMap(([key, value]) =>
      value === null ? [] : [[key, isMap(value) ? withoutNulls(value) : structuredClone(value)]],
    ),
  );

/** The same checks of values that did not come from a file. */
export function checkSpec<Checked, Spec>(
  kind: SpecKind<Checked, Spec>,
  given: Readonly<Record<string, unknown>>,
): CheckedSpec<Spec> {
  const raw = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const other = otherKind(raw, kind.name) ?? kind.other?.(raw);
  if (other !== undefined) return { value: null, problems: [other] };
  const problems = kind.refused?.(raw) ?? [];
  for (const { path } of problems) delete raw[path[0]];
  const result = kind.schema.safeParse(raw);
  if (!result.success) problems.push(...schemaProblems(result.error.issues, raw, wordsOf(kind.schema)));
  const parts = result.success ? result.data : partsOf(kind.schema, raw);
  problems.push(...kind.rules(parts as Partial<Checked>, raw));
  const failed = !result.success || problems.some(({ severity }) => severity !== 'warning');
  return { value: failed ? null : kind.finish(result.data), problems };
}

/** The parts of a faulty file that are right, so that the rules between them can be checked too. */
function partsOf(schema: z.ZodObject, raw: Record<string, unknown>): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(schema.shape as Record<string, z.ZodType>)) {
    const result = one.safeParse(raw[key]);
    if (result.success && result.data !== undefined) parts[key] = result.data;
  }
  return parts;
}

const wordsOf = ({ shape }: z.ZodObject): SchemaWords => ({
  required: new Set(Object.keys(shape).filter((key) => !(shape[key] as z.ZodType).safeParse(undefined).success)),
  // By the whole path: `period` alone could be that of either probe.
  nameOf: (path: Path) => (path.length > 1 ? formatPath(path) : undefined),
});
