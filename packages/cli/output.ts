import { UsageError } from './failure.ts';
import { printable } from './printable.ts';
import type { Channel, Style } from './terminal.ts';

/** The values of `--output`, as `az` has them. */
export const outputFormats = ['json', 'jsonc', 'yaml', 'yamlc', 'table', 'tsv', 'none'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** How a command's result is to be written. */
export interface OutputOptions {
  output: OutputFormat;
  /** JMESPath. */
  query?: string | undefined;
}

/** Writes a command's result, and is made before the work: a bad query must not be found out after hours of training. */
export type ResultWriter = (value: unknown, rows?: readonly Row[]) => Promise<void>;

type Row = Readonly<Record<string, unknown>>;

/**
 * A writer of results to `out`. `rows` given to the writer stand for the value in a table without a query, where the
 * value's own top level has nothing to put in columns.
 * @throws UsageError when the query is no JMESPath.
 */
export async function resultWriter(out: Channel, { output, query }: OutputOptions): Promise<ResultWriter> {
  const select = query === undefined ? undefined : await compiled(query);
  return async (value, rows) => {
    if (output === 'none') return;
    const plain: unknown = JSON.parse(JSON.stringify(value ?? null));
    const result = select ? select(plain) : plain;
    if (result === null) return;
    const text = await formatted(out, output, result, select ? undefined : rows);
    if (text !== '') out.write(`${text}\n`);
  };
}

/** The writer of a command whose result is human text unless a format or a query is asked for: then, and only then, there is one. */
export async function optionalWriter(
  out: Channel,
  { output, query }: Partial<OutputOptions>,
): Promise<ResultWriter | null> {
  return output === undefined && query === undefined ? null : resultWriter(out, { output: output ?? 'json', query });
}

async function compiled(query: string): Promise<(value: unknown) => unknown> {
  const { compile, TreeInterpreter } = await import('@jmespath-community/jmespath');
  try {
    const expression = compile(query);
    return (value) => TreeInterpreter.search(expression, value as Parameters<typeof TreeInterpreter.search>[1]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `--query "${query}" is no JMESPath expression: ${why}`,
      "an example: --query '[].{name: name, status: status}'",
    );
  }
}

async function formatted(out: Channel, format: OutputFormat, value: unknown, rows?: readonly Row[]): Promise<string> {
  switch (format) {
    case 'json':
      return json(value);
    case 'jsonc':
      return json(value).replace(jsonToken, (token, key) => out.paint(key ? 'cyan' : styleOf(token), token));
    case 'yaml':
    case 'yamlc': {
      const text = await asYaml(value);
      return format === 'yaml' ? text : text.replace(yamlKey, (_, lead, key) => lead + out.paint('cyan', key));
    }
    case 'table':
      return fitted(out, table(rows ?? value));
    case 'tsv':
      return tsv(rows ?? value);
    case 'none':
      return '';
  }
}

const jsonToken = /("(?:[^"\\]|\\.)*"(?=:))|"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;
const yamlKey = /^(\s*(?:- )*)([^\s#'"[{][^:]*:)(?= |$)/gm;

function styleOf(token: string): Style {
  if (token.startsWith('"')) return 'green';
  return /^[tfn]/.test(token) ? 'yellow' : 'magenta';
}

/** What JSON and YAML let stand in a string but a terminal would obey. */
const obeyed = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function json(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(obeyed, unicodeEscape);
}

/** YAML as `-o yaml` writes it. */
export async function asYaml(value: unknown): Promise<string> {
  const { Document, Scalar, visit } = await import('yaml');
  const document = new Document(value);
  // Only double quotes have escapes.
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && scalar.value.search(obeyed) >= 0) scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 }).trimEnd().replace(obeyed, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Columns of what is scalar at the top level of each object, headed by their names with a capital, as `az` prints them:
 * lists and objects inside have no place in a table and are left out.
 */
function table(value: unknown): string {
  const items = Array.isArray(value) ? value : [value];
  const rows = items.map((item): Row => {
    if (Array.isArray(item)) return Object.fromEntries(item.map((cell, index) => [`Column${index + 1}`, cell]));
    return isObject(item) ? item : { Result: item };
  });
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((key) =>
    rows.some((row) => row[key] !== null && isScalar(row[key])),
  );
  if (keys.length === 0) return '';
  const columns = keys.map((key) => {
    const cells = rows.map((row) => cellOf(row[key]));
    const numeric = rows.every((row) => row[key] === undefined || row[key] === null || typeof row[key] === 'number');
    const head = printable(key.charAt(0).toUpperCase() + key.slice(1));
    const width = Math.max(head.length, ...cells.map((cell) => cell.length));
    const fit = (cell: string) => (numeric ? cell.padStart(width) : cell.padEnd(width));
    return [fit(head), '-'.repeat(width), ...cells.map(fit)];
  });
  return Array.from({ length: rows.length + 2 }, (_, line) =>
    columns
      .map((column) => column[line])
      .join('  ')
      .trimEnd(),
  ).join('\n');
}

/** On a terminal a line that wraps makes a table unreadable: its end is cut off. Elsewhere all of it stays. */
function fitted(out: Channel, text: string): string {
  if (!out.isTerminal) return text;
  const width = out.columns();
  return text
    .split('\n')
    .map((line) => (line.length <= width ? line : `${line.slice(0, width - 1)}…`))
    .join('\n');
}

/** Values only, a line for each item, parted by tabs; for a list or object inside, as `az` does, its size or nothing. */
function tsv(value: unknown): string {
  const items = Array.isArray(value) ? value : [value];
  return items
    .map((item) => {
      const cells = Array.isArray(item) ? item : isObject(item) ? Object.values(item) : [item];
      return cells.map((cell) => (Array.isArray(cell) ? String(cell.length) : cellOf(cell))).join('\t');
    })
    .join('\n');
}

function cellOf(value: unknown): string {
  return value === null || !isScalar(value) ? '' : printable(String(value));
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
