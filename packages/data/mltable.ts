import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { HEADERS } from './delimited.ts';
import type { Issue } from './issue.ts';
import { didYouMean } from './nearest.ts';
import { describeValue } from './row.ts';
import { ENCODINGS } from './text-file.ts';

export const COLUMN_TYPES = ['stream_info', 'string', 'int', 'float', 'boolean'] as const;

const names = z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.string()).min(1));
const encoding = z.enum(ENCODINGS).default('utf8');
const flag = z.boolean().default(false);
/** A transformation without parameters may stand as `- read_json_lines:`, which YAML reads as null. */
const parameters = <T extends z.ZodRawShape>(shape: T) =>
  z.preprocess((value) => value ?? {}, z.strictObject(shape)).optional();

const transformationSchema = z.strictObject({
  read_json_lines: parameters({
    encoding,
    invalid_lines: z.enum(['error', 'drop']).default('error'),
    include_path_column: flag,
  }),
  read_delimited: parameters({
    encoding,
    header: z.enum(HEADERS).default('all_files_same_headers'),
    delimiter: z.string().min(1).default(','),
    infer_column_types: z.boolean().default(true),
    empty_as_string: flag,
    include_path_column: flag,
    support_multi_line: flag,
  }),
  convert_column_types: z
    .array(
      z.strictObject({
        columns: names,
        column_type: z.union([
          z.enum(COLUMN_TYPES),
          z.strictObject({
            boolean: z.strictObject({
              true_values: names,
              false_values: names,
              mismatch_as: z.literal('error').default('error'),
            }),
          }),
        ]),
      }),
    )
    .optional(),
  drop_columns: names.optional(),
  keep_columns: names.optional(),
  skip: z.int().min(0).optional(),
  take: z.int().min(0).optional(),
  take_random_sample: z.strictObject({ probability: z.number().min(0).max(1), seed: z.int().default(0) }).optional(),
});

const pathSchema = z.strictObject({
  file: z.string().min(1).optional(),
  folder: z.string().min(1).optional(),
  pattern: z.string().min(1).optional(),
});

const tableSchema = z.strictObject({
  $schema: z.string().optional(),
  type: z.literal('mltable').optional(),
  paths: z.array(pathSchema).min(1),
  transformations: z.array(transformationSchema).default([]),
});

/** An MLTable with the defaults filled in, spelled as in the file. Each path and each transformation has exactly one key. */
export type Mltable = z.infer<typeof tableSchema>;
export type Transformation = Mltable['transformations'][number];

export type DocumentPath = readonly (string | number)[];

/** A parsed MLTable, which can still say where each of its values stands. */
export interface MltableDocument {
  /** Null when there are errors among the issues. */
  readonly table: Mltable | null;
  readonly issues: Issue[];
  /** An issue at a place of this file. */
  issueAt(path: DocumentPath, code: string, message: string, hint?: string): Issue;
}

const NOT_SUPPORTED: Record<string, string> = {
  read_parquet: 'write the table as JSONL, one object per line, and use read_json_lines',
  read_delta_lake: 'write the table as JSONL, one object per line, and use read_json_lines',
  filter: 'leave the unwanted lines out of the file',
  extract_columns_from_partition_format: 'write the value into a field of each line',
};

/** Codes of issues whose caret belongs under a key, whatever its value is. */
const ABOUT_KEYS = ['unknown-key', 'not-supported'];

const REMOTE = /^(?!file:)[a-z][a-z0-9+.-]+:/i;

/**
 * Parses the YAML of an MLTable and checks every key and value of it.
 * @param file the path that issues name
 */
export function parseMltable(text: string, file: string): MltableDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });

  /** Where the value at a path stands; its key, when the value is a block, empty or not the point. */
  const place = (path: DocumentPath, code: string) => {
    for (let depth = path.length; depth > 0; depth--) {
      const parent = document.getIn(path.slice(0, depth - 1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && key.value === path[depth - 1])
        : undefined;
      const value = document.getIn(path.slice(0, depth), true) as Node | undefined;
      const exact =
        depth === path.length && !ABOUT_KEYS.includes(code) && isScalar(value) && value.range?.[0] !== value.range?.[1];
      const range = (exact ? value : ((pair?.key as Node | undefined) ?? value))?.range;
      if (!range) continue;
      const { line, col } = lines.linePos(range[0]);
      const length = text.slice(range[0], range[1]).split(/[\r\n]/)[0].length;
      return { line, column: col, length: Math.max(1, length) };
    }
    return {};
  };
  const issueAt: MltableDocument['issueAt'] = (path, code, message, hint) => {
    return {
      code,
      severity: 'error',
      file,
      ...place(path, code),
      path: [...path],
      message,
      ...(hint !== undefined && { hint }),
    };
  };

  const syntax = document.errors.map((error): Issue => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { code: 'yaml', severity: 'error', file, line, column: col, message: `not YAML: ${error.message}` };
  });
  if (syntax.length > 0) return { table: null, issues: syntax, issueAt };

  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    // An alias without an anchor, or one that grows without bound.
    const issues = [issueAt([], 'yaml', `not YAML: ${error instanceof Error ? error.message : error}`)];
    return { table: null, issues, issueAt };
  }
  const result = tableSchema.safeParse(content, { reportInput: true });
  const issues = result.success
    ? tableIssues(result.data, issueAt)
    : result.error.issues.flatMap((issue) => schemaIssues(issue, content, issueAt));
  return { table: result.success && issues.length === 0 ? result.data : null, issues, issueAt };
}

type IssueAt = MltableDocument['issueAt'];

/** What the schema found, in words. */
function schemaIssues(issue: z.core.$ZodIssue, content: unknown, issueAt: IssueAt): Issue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const name = String(path.findLast((part) => typeof part === 'string') ?? 'an MLTable');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const hint = NOT_SUPPORTED[key];
      if (path[0] === 'transformations' && hint)
        return issueAt([...path, key], 'not-supported', `${key} is not supported yet`, hint);
      const known = knownKeys(path);
      const where = path.length === 0 ? 'an MLTable' : name;
      const meant = didYouMean(key, known) ?? (known.length > 0 ? `known here: ${known.join(', ')}` : undefined);
      return issueAt([...path, key], 'unknown-key', `unknown key in ${where}`, meant);
    });
  }
  if (issue.input === undefined) {
    const hint = name === 'paths' ? 'say where the data is: paths: [{file: ./train.jsonl}]' : undefined;
    return [issueAt(path, 'key-missing', `${name} is missing`, hint)];
  }
  if (content === null)
    return [issueAt([], 'empty', 'the file is empty', 'an MLTable has the keys paths and transformations')];
  const wanted = wantedBy(issue);
  const choices = issue.code === 'invalid_value' ? issue.values.map(String) : [...COLUMN_TYPES];
  const meant = typeof issue.input === 'string' ? didYouMean(issue.input, choices) : undefined;
  return [issueAt(path, 'wrong-value', `${name} must be ${wanted}, not ${describeValue(issue.input)}`, meant)];
}

function wantedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `one of ${issue.values.join(', ')}`;
    case 'invalid_union':
      return `one of ${COLUMN_TYPES.join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int' ? `at least ${issue.minimum}` : 'given (it is empty)';
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'invalid_type':
      return (
        { array: 'a list', object: 'a map of keys', boolean: 'true or false', int: 'a whole number' }[
          issue.expected as string
        ] ?? `a ${issue.expected}`
      );
    default:
      return 'something else';
  }
}

/** The keys that may stand at a path, from the schema. */
function knownKeys(path: DocumentPath): string[] {
  if (path.length === 0) return Object.keys(tableSchema.shape);
  if (path[0] === 'paths') return Object.keys(pathSchema.shape);
  if (path.length === 2) return Object.keys(transformationSchema.shape);
  if (path[2] === 'convert_column_types') return ['columns', 'column_type'];
  if (path[2] === 'take_random_sample') return ['probability', 'seed'];
  const step = path[2] as 'read_json_lines' | 'read_delimited';
  return Object.keys(transformationSchema.shape[step].unwrap().out.shape);
}

/** What a schema of single values cannot say. */
function tableIssues(table: Mltable, issueAt: IssueAt): Issue[] {
  const issues: Issue[] = [];
  for (const [i, path] of table.paths.entries()) {
    const given = Object.entries(path);
    if (given.length !== 1)
      issues.push(issueAt(['paths', i], 'not-one-key', 'each path is one of file, folder or pattern'));
    for (const [kind, value] of given) {
      if (!REMOTE.test(value)) continue;
      const hint = 'download the data and write its path relative to this file, as in ./train.jsonl';
      issues.push(issueAt(['paths', i, kind], 'remote-path', 'remote paths are not supported yet', hint));
    }
  }
  const { transformations } = table;
  for (const [i, step] of transformations.entries()) {
    if (Object.keys(step).length === 1) continue;
    issues.push(
      issueAt(['transformations', i], 'not-one-key', 'each transformation is an item of its own, with one key'),
    );
  }
  const readers = transformations.flatMap((step, i) => (step.read_json_lines || step.read_delimited ? [i] : []));
  if (readers.length === 0) {
    const hint = 'put "- read_json_lines:" first under transformations';
    issues.push(issueAt(['transformations'], 'no-reader', 'no transformation says how the files are read', hint));
  } else if (readers[0] !== 0 || readers.length > 1) {
    const at = readers.find((i) => i !== 0) ?? 0;
    issues.push(
      issueAt(['transformations', at], 'reader-not-first', 'the files are read once, by the first transformation'),
    );
  }
  return issues;
}
