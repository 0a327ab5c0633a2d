import { isAbsolute, relative } from 'node:path';

/** One thing wrong (or odd) in a file of the user's. Data first; `formatIssues` makes text of it at the edge. */
export interface Issue {
  /** Stable kebab-case name of the kind of problem, e.g. `image-missing`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** File or folder that the person would open to mend it. */
  readonly file: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based, in UTF-16 code units. */
  readonly column?: number;
  /** Number of code units from `column` that are meant; 1 when absent. */
  readonly length?: number;
  /** Place inside a structured document, e.g. `['limits', 'max_trials']`. */
  readonly path?: readonly (string | number)[];
  /** What is wrong, as a sentence without capital and full stop. */
  readonly message: string;
  /** What would be right, or what to do next. */
  readonly hint?: string;
}

/** What is known about a file that issues point into: its whole text, or just how many lines it has. */
export type Sources = ReadonlyMap<string, string | { readonly lines: number }>;

export interface FormatOptions {
  /** Files with a text show the line in question with carets; the others show `line N`. Keys are `Issue.file`. */
  readonly sources?: Sources;
  /** Rows shown per file; what is left out is counted. Default 100. */
  readonly limit?: number;
  /** Files below this folder are shown relative to it. Default: the working directory. */
  readonly folder?: string;
}

/** Thrown when input cannot be used. `issues` holds everything that was found, `message` is the report. */
export class IssuesError extends Error {
  override readonly name = 'IssuesError';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[], options: FormatOptions = {}) {
    super(formatIssues(issues, options));
    this.issues = issues;
  }
}

/** Throws an `IssuesError` with all of `issues` (warnings too) when at least one of them is an error. */
export function throwIfErrors(issues: readonly Issue[], options: FormatOptions = {}): void {
  if (issues.some((issue) => issue.severity === 'error')) throw new IssuesError(issues, options);
}

/**
 * The report a person reads: one block per file, in the order in which files first appear, rows by line.
 * Control and bidirectional characters of names and texts are shown escaped, so that no file can paint on a terminal.
 */
export function formatIssues(issues: readonly Issue[], options: FormatOptions = {}): string {
  const byFile = new Map<string, Issue[]>();
  for (const issue of issues) {
    const group = byFile.get(issue.file);
    if (group) group.push(issue);
    else byFile.set(issue.file, [issue]);
  }
  return [...byFile].map(([file, group]) => formatFile(file, group, options)).join('\n\n');
}

function formatFile(file: string, issues: Issue[], options: FormatOptions): string {
  const limit = options.limit ?? 100;
  const source = options.sources?.get(file);
  const ordered = issues.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const shown = ordered.slice(0, limit);
  const rows = typeof source === 'string' ? gutterRows(shown, source) : lineRows(shown);
  const left = ordered.length - shown.length;
  if (left > 0) rows.push(`  … and ${left.toLocaleString('en')} more`);
  return `${header(file, issues, source, options.folder ?? process.cwd())}\n\n${rows.join('\n')}`;
}

function header(file: string, issues: Issue[], source: string | { lines: number } | undefined, folder: string): string {
  const errors = issues.filter((issue) => issue.severity === 'error').length;
  const counts = [count(errors, 'problem'), count(issues.length - errors, 'warning')].filter((text) => text !== '');
  const lines = typeof source === 'object' && source.lines > 0 ? ` in ${count(source.lines, 'line')}` : '';
  return `${printable(shortPath(file, folder))} has ${counts.join(' and ')}${lines}`;
}

/** Rows of the kind `  line 17   images/cat_017.jpg is not there`. */
function lineRows(issues: Issue[]): string[] {
  const labels = issues.map((issue) => (issue.line === undefined ? '' : `line ${issue.line}`));
  const width = Math.max(...labels.map((label) => label.length));
  return issues.map((issue, i) => `  ${width > 0 ? `${labels[i].padEnd(width)}  ` : ''}${sentence(issue)}`);
}

/** Rows that show the line itself, with carets under the place. */
function gutterRows(issues: Issue[], text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/);
  const width = Math.max(...issues.map((issue) => String(issue.line ?? '').length));
  return issues.flatMap((issue) => {
    if (issue.line === undefined) return [`  ${sentence(issue)}`];
    const { shown, before, marked } = excerpt(lines[issue.line - 1] ?? '', issue.column ?? 1, issue.length ?? 1);
    const gutter = ' '.repeat(width);
    return [
      `  ${String(issue.line).padStart(width)} │ ${shown}`,
      `  ${gutter} │ ${' '.repeat(before)}${'^'.repeat(marked)} ${sentence(issue)}`,
    ];
  });
}

const WIDEST_LINE = 140;

/** The part of a line to show, and how many characters stand before and under the carets. */
function excerpt(line: string, column: number, length: number): { shown: string; before: number; marked: number } {
  const from = column > WIDEST_LINE / 2 && line.length > WIDEST_LINE ? column - 1 - WIDEST_LINE / 2 : 0;
  const lead = from > 0 ? '…' : '';
  const window = line.slice(from, from + WIDEST_LINE);
  const tail = from + WIDEST_LINE < line.length ? '…' : '';
  // Tabs are escaped, too, so that a caret stands where the eye looks whatever the terminal's tab width is.
  const before = [...printable(lead + line.slice(from, column - 1))].length;
  const marked = [...printable(line.slice(column - 1, Math.min(column - 1 + length, from + WIDEST_LINE)))].length;
  return { shown: printable(lead + window + tail), before, marked: Math.max(1, marked) };
}

function sentence(issue: Issue): string {
  const text = issue.hint === undefined ? issue.message : `${issue.message}; ${issue.hint}`;
  return printable(issue.severity === 'warning' ? `warning: ${text}` : text);
}

function count(n: number, noun: string): string {
  return n === 0 ? '' : `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}

/** A path as people like to read it: relative when it is below `folder`. */
export function shortPath(file: string, folder: string = process.cwd()): string {
  const short = relative(folder, file);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? file : short;
}

/** `text` with control characters (C0, C1, DEL) and bidirectional overrides written as escapes. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    return known ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
