import { UsageError } from './failure.ts';
import { printable } from './printable.ts';

type Holder = Record<string, unknown> | unknown[];

/** `--add tags owner=me more=true`: entries of the map or the list that the path before them means. @throws UsageError */
export function withAdded(base: object, words: readonly string[], forceString: boolean): object {
  const root = structuredClone(base) as Record<string, unknown>;
  let holder: Holder | null = null;
  for (const [i, word] of words.entries()) {
    const [, key, text] = /^([^={[]+)=(.*)$/s.exec(word) ?? [];
    const path = key === undefined ? placeOf(root, word.split('.')) : undefined;
    // The first word is the path, and so is each that names a map or a list.
    if (typeof path === 'object' && path !== null) holder = path as Holder;
    else if (i === 0 || holder === null)
      throw new UsageError(`--add ${printable(word)}: there is no such map or list`, '--add tags owner=me');
    else if (key === '__proto__') throw new UsageError(`--add ${word}: a key must be a word`);
    else if (Array.isArray(holder))
      holder.push(key === undefined ? valueFrom(word, forceString) : { [key]: valueFrom(text, forceString) });
    else if (key !== undefined) holder[key] = valueFrom(text, forceString);
    else Object.assign(holder, mapOf(word));
  }
  return root;
}

/** `--remove tags.owner identity`, or `--remove tags owner`. @throws UsageError when there is none */
export function withRemoved(base: object, words: readonly string[]): object {
  const root = structuredClone(base) as Record<string, unknown>;
  for (let i = 0; i < words.length; i++) {
    const path = words[i].split('.');
    const next: string | undefined = words[i + 1];
    const inside = next === undefined ? undefined : placeOf(root, [...path, next]);
    if (inside !== undefined && placeOf(root, next.split('.')) === undefined) {
      path.push(next);
      i++;
    }
    const key = path.pop() ?? '';
    const holder = placeOf(root, path);
    if (placeOf(root, [...path, key]) === undefined || holder === null || typeof holder !== 'object')
      throw new UsageError(`--remove ${printable(words[i])}: there is none`, '--remove tags.owner');
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete (holder as Record<string, unknown>)[key];
  }
  return root;
}

/** What stands at a path; undefined: nothing. */
function placeOf(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function valueFrom(text: string, forceString: boolean): unknown {
  if (forceString) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function mapOf(word: string): object {
  const value = word.startsWith('{') ? valueFrom(word, false) : undefined;
  if (typeof value === 'object' && value !== null) return value;
  throw new UsageError(`--add ${printable(word)} must read key=value`, '--add tags owner=me');
}

/** `"blue=90 green=10"`, as one word or several. @throws UsageError */
export function percentsOf(words: readonly string[], flag: string): Record<string, number> {
  const pairs = words.flatMap((word) => word.split(/[\s,]+/)).filter((pair) => pair !== '');
  const percents: Record<string, number> = {};
  for (const pair of pairs) {
    const [, name, percent] = /^([^=]+)=(\d{1,3})%?$/.exec(pair) ?? [];
    if (name === undefined)
      throw new UsageError(`${flag} ${printable(pair)} must read deployment=percent`, `${flag} "blue=90 green=10"`);
    if (Object.hasOwn(percents, name)) throw new UsageError(`${flag} names ${printable(name)} twice`);
    percents[name] = Number(percent);
  }
  return percents;
}
