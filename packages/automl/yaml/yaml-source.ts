import type { Issue } from '@fovea/data';
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';

export type Path = readonly (string | number)[];

/** Where a key or a value stands. Without a line: somewhere in the file, or an argument of the command line. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly length?: number;
}

type Span = readonly [start: number, end: number];
interface Entry {
  readonly key?: Span;
  readonly value?: Span;
  /** A map or a list: a caret under all of it says little, so its key is shown instead. */
  readonly collection: boolean;
  /** Given on the command line instead of in the file, as `--set name=x`. */
  readonly argument?: string;
}

/** What messages call a file. */
export interface FileKind {
  /** What it describes: `job`, `online endpoint`. */
  readonly thing: string;
  /** The same with its article: `a job`. */
  readonly aThing: string;
  /** Keys that it has at least: `type, task, target_column_name and training_data`. */
  readonly needs: string;
  /** How it begins: `type: automl, task: …`. */
  readonly begins: string;
  /** An assignment that could be made with `--set`: `limits.max_trials=4`. */
  readonly assignment: string;
  /** Keys whose value is text that holds JSON. */
  readonly jsonTexts?: readonly string[];
}

/** Longest file that is read; real ones have a few thousand characters. */
const maxCharacters = 1 << 20;
/** Most values once aliases are written out. */
const maxValues = 20_000;
const maxDepth = 100;

/** The text of a file and where each of its values stands. */
export class YamlSource {
  readonly file: string;
  readonly text: string;
  readonly #lines: LineCounter;
  readonly #entries = new Map<string, Entry>();

  constructor(file: string, text: string, lines: LineCounter) {
    this.file = file;
    this.text = text;
    this.#lines = lines;
  }

  /**
   * Place of the key or the value at a path. What is not there itself is shown at the nearest thing around it.
   *
   * @param on `key`: the name in front of the value; `value`: what stands there, or its key when it is a map or list
   */
  place(path: Path, on: 'key' | 'value' = 'value'): Place {
    for (let length = path.length; length > 0; length--) {
      const entry = this.#entries.get(pathKey(path.slice(0, length)));
      if (entry === undefined) continue;
      if (entry.argument !== undefined) return { file: entry.argument };
      const exact = length === path.length;
      const preferKey = exact ? on === 'key' || (entry.collection && entry.key !== undefined) : entry.collection;
      const span = (preferKey ? entry.key : entry.value) ?? entry.key ?? entry.value;
      if (span !== undefined) return this.placeOf(span);
    }
    return { file: this.file };
  }

  /** Place of a stretch of the text, cut at the end of its first line. */
  placeOf([start, end]: Span): Place {
    const from = Math.min(start, this.text.length);
    const { line, col } = this.#lines.linePos(from);
    const lineEnd = this.text.slice(from, end).search(/[\r\n]/);
    const length = lineEnd === -1 ? end - from : lineEnd;
    return { file: this.file, line, column: col, length: Math.max(1, length) };
  }

  /** Notes where a value stands. */
  record(path: Path, entry: Entry): void {
    this.#entries.set(pathKey(path), entry);
  }

  /** Notes that an argument of the command line (`--set name=x`) has set the value at a path, and forgets what stood below it. */
  recordArgument(path: Path, argument: string): void {
    const below = `${pathKey(path)},`;
    for (const key of this.#entries.keys()) if (key.startsWith(below)) this.#entries.delete(key);
    this.record(path, { collection: false, argument });
  }
}

/** `['search_space', 0, 'learning_rate']` → `search_space[0].learning_rate` */
export function formatPath(path: Path): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}

const pathKey = (path: Path) => path.map((part) => JSON.stringify(part)).join(',');

/**
 * Reads the YAML of a file into plain values.
 *
 * @returns the value (null when it can not be used), its source, and every problem of the YAML itself: syntax, duplicate
 * keys, keys that are no text, aliases that grow without bound, a document that is no map
 */
export function readYamlSource(
  text: string,
  file: string,
  { aThing, needs, begins }: FileKind,
): { value: Record<string, unknown> | null; source: YamlSource; issues: Issue[] } {
  const lines = new LineCounter();
  const source = new YamlSource(file, text, lines);
  const failed = (message: string, hint?: string, place: Place = { file }) => ({
    value: null,
    source,
    issues: [{ code: 'yaml', severity: 'error', ...place, message, ...(hint && { hint }) } satisfies Issue],
  });
  if (text.length > maxCharacters) {
    return failed(
      `the file has ${text.length.toLocaleString('en')} characters; ${aThing} file has at most ${maxCharacters.toLocaleString('en')}`,
      `is this really ${aThing} file?`,
    );
  }
  if (text.includes('\0')) return failed('the file is not text: it holds NUL characters');

  let document: ReturnType<typeof parseDocument>;
  try {
    // Duplicate keys are reported by the reader below, which can say where the first one is.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
  } catch (error) {
    return failed(`not YAML that can be read: ${error instanceof Error ? error.message : error}`);
  }
  const syntax = [...document.errors, ...document.warnings];
  if (syntax.length > 0) {
    const issues = syntax.map(
      ({ code, message, pos }): Issue => ({
        code: 'yaml',
        severity: 'error',
        ...source.placeOf(pos),
        message: code === 'TAB_AS_INDENT' ? 'indented with a tab' : message,
        ...(code === 'TAB_AS_INDENT' && { hint: 'YAML is indented with spaces' }),
      }),
    );
    return { value: null, source, issues };
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return failed('the file is empty', `${aThing} needs at least ${needs}`);
  }
  if (!isMap(contents)) {
    const kind = isSeq(contents) ? 'a list' : 'a single value';
    return failed(`${aThing} is a map of keys (${begins}), this is ${kind}`, undefined, {
      file,
      line: 1,
      column: 1,
    });
  }
  const reader = new ValueReader(source);
  try {
    const value = reader.read(contents, []) as Record<string, unknown>;
    return { value, source, issues: reader.issues };
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    return failed(error.message, 'write the values out instead of repeating them with aliases (*name)');
  }
}

class TooMuch extends Error {}

/** Turns nodes into plain values, writes aliases and merge keys (`<<`) out, and notes where everything stands. */
class ValueReader {
  readonly issues: Issue[] = [];
  readonly #source: YamlSource;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #values = 0;

  constructor(source: YamlSource) {
    this.#source = source;
  }

  read(node: Node | null, path: Path, key?: Span): unknown {
    if (++this.#values > maxValues)
      throw new TooMuch(`more than ${maxValues.toLocaleString('en')} values, aliases written out`);
    if (path.length > maxDepth) throw new TooMuch(`nested deeper than ${maxDepth} levels`);
    const target = isAlias(node) ? this.#resolve(node, path) : node;
    const value = spanOf(node);
    const collection = isMap(target) || isSeq(target);
    this.#source.record(path, { collection, ...(key && { key }), ...(value && { value }) });
    if (isScalar(target)) {
      if (target.anchor !== undefined) this.#anchors.set(target.anchor, target);
      return typeof target.value === 'bigint' ? Number(target.value) : target.value;
    }
    if (target === null || isAlias(target)) return null;
    if (target.anchor !== undefined) this.#anchors.set(target.anchor, target);
    this.#open.add(target);
    const result = isMap(target)
      ? this.#readMap(target, path)
      : target.items.map((item, i) => this.read(item as Node | null, [...path, i]));
    this.#open.delete(target);
    return result;
  }

  /** Keys of the map itself win over merged ones, the first of them over a later duplicate. */
  #readMap(map: YAMLMap, path: Path): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    const own = new Map<string, Span | undefined>();
    const merges: Pair[] = [];
    for (const pair of map.items) {
      const { key } = pair;
      const span = spanOf(key as Node | null);
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
        merges.push(pair);
        continue;
      }
      const name = this.#keyName(key as Node | null, span, path);
      if (name === undefined) continue;
      if (own.has(name)) {
        const first = own.get(name);
        const where = first && ` (first in line ${this.#source.placeOf(first).line})`;
        this.#report('duplicate-key', `${name} is given twice${where ?? ''}`, span, path);
        continue;
      }
      own.set(name, span);
      result[name] = this.read(pair.value as Node | null, [...path, name], span);
    }
    for (const pair of merges) this.#merge(pair, result, path);
    return result;
  }

  #merge(pair: Pair, into: Record<string, unknown>, path: Path): void {
    const node = pair.value as Node | null;
    const sources = isSeq(node) ? (node.items as Node[]) : [node];
    for (const source of sources) {
      const target = isAlias(source) ? this.#resolve(source, path) : source;
      if (target === null && isAlias(source)) continue;
      if (!isMap(target) || this.#open.has(target)) {
        this.#report('yaml', '<< takes a map, or a list of maps', spanOf(pair.key as Node), path);
        continue;
      }
      this.#open.add(target);
      for (const { key, value } of target.items) {
        const span = spanOf(key as Node | null);
        const name = this.#keyName(key as Node | null, span, path);
        if (name === undefined || Object.hasOwn(into, name)) continue;
        into[name] = this.read(value as Node | null, [...path, name], span);
      }
      this.#open.delete(target);
    }
  }

  #keyName(key: Node | null, span: Span | undefined, path: Path): string | undefined {
    const target = isAlias(key) ? this.#resolve(key, path) : key;
    if (isScalar(target) && target.value !== null && target.value !== '__proto__') return String(target.value);
    this.#report('yaml', 'a key must be a word', span, path);
    return undefined;
  }

  #resolve(alias: Alias, path: Path): Node | null {
    const target = this.#anchors.get(alias.source);
    if (target !== undefined && !this.#open.has(target)) return target;
    const what = target === undefined ? 'has no anchor before it' : 'refers to the value that it is part of';
    this.#report('yaml', `the alias *${alias.source} ${what}`, spanOf(alias), path);
    return null;
  }

  #report(code: string, message: string, span: Span | undefined, path: Path): void {
    const place = span === undefined ? this.#source.place(path) : this.#source.placeOf(span);
    this.issues.push({ code, severity: 'error', ...place, path: [...path], message });
  }
}

function spanOf(node: Node | null | undefined): Span | undefined {
  const range = node?.range;
  return range && range[1] > range[0] ? [range[0], range[1]] : undefined;
}
