import type { Issue } from '@fovea/data';
import { type FileKind, formatPath, type Path, type YamlSource } from './yaml-source.ts';

/**
 * Applies `--set path.to.key=value` arguments, in order, to the values of a file, as `az` does: keys are separated by
 * dots (quoted where they hold dots), list elements are `[0]` or `.0`, missing maps are made, and a value is JSON where it
 * can be read as such (`True`, `False` and `None` too), else text. `null` takes the key out.
 *
 * @param values changed in place
 * @param source is told what was set, so that later problems are reported at the argument
 * @param forceString take every value as text
 * @returns what could not be set, and why
 */
export function applySets(
  values: Record<string, unknown>,
  source: YamlSource,
  args: readonly string[],
  kind: FileKind,
  { forceString = false }: { forceString?: boolean } = {},
): Issue[] {
  const issues: Issue[] = [];
  for (const argument of args) {
    const problem = applySet(values, source, argument, kind, forceString);
    if (problem !== undefined) issues.push({ code: 'set', severity: 'error', file: `--set ${argument}`, ...problem });
  }
  return issues;
}

type Problem = { message: string; hint?: string };

function applySet(
  values: Record<string, unknown>,
  source: YamlSource,
  argument: string,
  kind: FileKind,
  forceString: boolean,
): Problem | undefined {
  const split = splitArgument(argument);
  if (split === undefined) return { message: 'must be path.to.key=value', hint: `as in --set ${kind.assignment}` };
  const { path, text } = split;
  const value = forceString ? text : valueFromText(text, kind.jsonTexts?.includes(String(path.at(-1))) === true);

  let holder: Record<string, unknown> | unknown[] = values;
  const walked: (string | number)[] = [];
  for (const [i, part] of path.entries()) {
    const key = Array.isArray(holder) ? indexIn(holder, part) : keyIn(holder, part);
    if (key === undefined) return noSuchPart(holder, part, walked, kind);
    walked.push(key);
    if (i === path.length - 1) {
      set(holder, key, value);
      source.recordArgument(walked, `--set ${argument}`);
      return undefined;
    }
    const next = (holder as Record<string | number, unknown>)[key];
    if (next === undefined || next === null) {
      const made: Record<string, unknown> = {};
      set(holder, key, made);
      source.recordArgument(walked, `--set ${argument}`);
      holder = made;
    } else if (typeof next === 'object') {
      holder = next as Record<string, unknown> | unknown[];
    } else {
      return { message: `${formatPath(walked)} is ${JSON.stringify(next)}, which has no keys to set` };
    }
  }
  return undefined;
}

function set(holder: Record<string, unknown> | unknown[], key: string | number, value: unknown): void {
  if (Array.isArray(holder)) holder[key as number] = value;
  else if (value === null) delete holder[key];
  else holder[key] = value;
}

function indexIn(list: unknown[], part: string | number): number | undefined {
  const index = typeof part === 'number' ? part : /^\d+$/.test(part) ? Number(part) : -1;
  return index >= 0 && index < list.length ? index : undefined;
}

const keyIn = (map: Record<string, unknown>, part: string | number): string | undefined =>
  typeof part === 'number' || part === '__proto__' || (/^\d+$/.test(part) && !Object.hasOwn(map, part))
    ? undefined
    : part;

function noSuchPart(
  holder: Record<string, unknown> | unknown[],
  part: string | number,
  walked: Path,
  { thing }: FileKind,
): Problem {
  const where = walked.length === 0 ? `the ${thing}` : formatPath(walked);
  if (!Array.isArray(holder)) return { message: `${where} is a map, it has no element ${part}` };
  const isIndex = typeof part === 'number' || /^\d+$/.test(part);
  return {
    message: `${where} is a list of ${holder.length}, it has no ${isIndex ? 'element' : 'key'} ${part}`,
    ...(!isIndex && { hint: `name one of its elements: ${where}[0].${part}` }),
  };
}

/** Up to the first `=` outside of quotes is the path. */
function splitArgument(
  argument: string,
): { path: [string | number, ...(string | number)[]]; text: string } | undefined {
  const path: (string | number)[] = [];
  let rest = argument;
  for (;;) {
    const part = /^(?:"([^"]*)"|'([^']*)'|([^.=[\]"']+))((?:\[\d+\])*)/.exec(rest);
    if (part === null) return undefined;
    path.push((part[1] ?? part[2] ?? part[3] ?? '').trim());
    for (const [, index] of part[4]?.matchAll(/\[(\d+)\]/g) ?? []) path.push(Number(index));
    rest = rest.slice(part[0].length);
    if (rest.startsWith('=')) return { path: path as [string | number], text: rest.slice(1) };
    if (!rest.startsWith('.')) return undefined;
    rest = rest.slice(1);
  }
}

const words: ReadonlyMap<string, boolean | null> = new Map([
  ['True', true],
  ['False', false],
  ['None', null],
]);

function valueFromText(text: string, isJsonText: boolean): unknown {
  // A file holds it as text, and text is what JSON is on a command line.
  if (isJsonText && text.trimStart().startsWith('{')) return text;
  const word = words.get(text.trim());
  if (word !== undefined) return word;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
