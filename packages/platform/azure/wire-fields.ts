import { didYouMean } from '@fovea/data';
import { Refusal, type RefusalDetail } from '../refusal.ts';
import { isObject } from '../server/requests.ts';

export type Tree = Record<string, unknown>;
type Path = readonly (string | number)[];

/** How a value is written on the other side. */
export interface Codec {
  /** REST → file. @returns undefined for what cannot be read */
  readonly read: (value: unknown) => unknown;
  /** File → REST. */
  readonly write: (value: unknown) => unknown;
}

/** A value that a file and REST both have, and where: keys from the top of the file, and of what REST has. */
export interface WireField {
  readonly file: readonly string[];
  readonly rest: readonly string[];
  readonly codec: Codec;
  /** What `read` takes, for errors. */
  readonly takes?: string;
}

export const asItIs: Codec = { read: (value) => value, write: (value) => value };

/** `warmup_cosine` ⇄ `WarmupCosine`. Files take both. */
export const word: Codec = {
  read: (value) => value,
  write: (value) => (typeof value === 'string' ? pascal(value) : value),
};

export const pascal = (text: string): string =>
  text.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const wireField = (file: string, rest: string, codec = asItIs, takes?: string): WireField => ({
  file: file.split('.'),
  rest: rest.split('.'),
  codec,
  ...(takes !== undefined && { takes }),
});

/** Fields by which the same thing is read from REST and written to it. */
export interface WireTable {
  /** What REST has, in the words of a file, and what cannot be read of it. What is null says nothing. */
  read(rest: Tree): { readonly values: Tree; readonly problems: RefusalDetail[] };
  write(values: unknown): Tree;
  /** Where in REST the value is that a path of a file means; null for what is nowhere there. */
  placeOf(path: Path): string | null;
}

/**
 * @param options.taken places of REST that may have something: what only the service says, and is sent back, or what is read elsewhere
 * @param options.root where all of it stands in the body of a request, as `properties`
 * @param options.places where parts of a file that are no fields stand in REST, when that is at another depth than their fields say
 */
export function wireTable(
  fields: readonly WireField[],
  {
    taken = [],
    root = [],
    places = {},
  }: {
    readonly taken?: readonly string[];
    readonly root?: readonly string[];
    readonly places?: Readonly<Record<string, readonly string[]>>;
  } = {},
): WireTable {
  const known = new Set([...fields.map(({ rest }) => rest.join('.')), ...taken]);
  const sections = new Set(
    [...fields.map(({ rest }) => rest), ...taken.map((place) => place.split('.'))].flatMap((rest) =>
      rest.slice(0, -1).map((_, i) => rest.slice(0, i + 1).join('.')),
    ),
  );
  const inBody = (place: Path) => [...root, ...place].join('.');

  /** Places that nothing is known of. */
  const unknownPlaces = (value: Tree, at: readonly string[]): string[][] =>
    Object.entries(value).flatMap(([key, child]) => {
      const place = [...at, key];
      const name = place.join('.');
      if (child === null || known.has(name)) return [];
      if (!sections.has(name)) return [place];
      // What a section is that is no map, its own fields cannot say.
      return isObject(child) ? unknownPlaces(child, place) : [place];
    });

  const namesBeside = (place: readonly string[]): string[] => {
    const lead = place.slice(0, -1).map((part) => `${part}.`);
    const length = lead.join('').length;
    const all = [...known, ...sections].filter((name) => name.startsWith(lead.join('')));
    return [...new Set(all.map((name) => name.slice(length).split('.')[0]))];
  };

  const restOf = (path: Path): readonly string[] | undefined => {
    const name = path.join('.');
    if (Object.hasOwn(places, name)) return places[name];
    const exact = fields.find(({ file }) => file.length === path.length && file.every((part, i) => part === path[i]));
    if (exact) return exact.rest;
    const below = fields.find(({ file }) => path.every((part, i) => part === file[i]));
    return below?.rest.slice(0, below.rest.length - (below.file.length - path.length));
  };

  return {
    read(rest) {
      const values: Tree = {};
      const problems: RefusalDetail[] = [];
      for (const field of fields) {
        const value = withoutNulls(valueAt(rest, field.rest));
        if (value === undefined) continue;
        const read = field.codec.read(value);
        if (read === undefined)
          problems.push(wrongValue(inBody(field.rest), `must be ${field.takes}, not ${quoted(value)}`));
        else put(values, field.file, read);
      }
      for (const place of unknownPlaces(rest, [])) {
        problems.push(unknownKey(inBody(place), place.at(-1) as string, namesBeside(place)));
      }
      return { values, problems };
    },

    write(values) {
      const rest: Tree = {};
      for (const { file, rest: place, codec } of fields) {
        const value = valueAt(values, file);
        if (value !== undefined && value !== null) put(rest, place, codec.write(value));
      }
      return rest;
    },

    placeOf(path) {
      for (let length = path.length; length > 0; length--) {
        const place = restOf(path.slice(0, length));
        if (place !== undefined) return inBody([...place, ...path.slice(length)]);
      }
      return null;
    },
  };
}

export const wrongValue = (target: string, message: string): RefusalDetail => ({
  code: 'wrong-value',
  message,
  target,
});

/** @param known names that could stand there */
export function unknownKey(target: string, key: string, known: readonly string[]): RefusalDetail {
  const hint = didYouMean(key.slice(0, 100), known);
  const message = `unknown property ${quoted(key)}${hint === undefined ? '' : `; ${hint}`}`;
  return { code: 'unknown-key', message, target };
}

/** All that is wrong with a request. @param details one at least */
export function refused(details: readonly RefusalDetail[]): Refusal {
  const [first] = details;
  const more = details.length > 1 ? ` (and ${details.length - 1} more, in details)` : '';
  const { target } = first;
  const message = `${target === undefined ? '' : `${target.slice(0, 300)}: `}${first.message}${more}`;
  return new Refusal('invalid', 'ValidationError', message, { target, details });
}

export function valueAt(tree: unknown, path: readonly string[]): unknown {
  let value = tree;
  for (const part of path) value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

export function put(tree: Tree, path: readonly string[], value: unknown): void {
  let holder = tree;
  for (const part of path.slice(0, -1)) {
    if (!isObject(holder[part])) holder[part] = {};
    holder = holder[part] as Tree;
  }
  holder[path.at(-1) as string] = value;
}

/** Clients write null for what they do not say. @returns undefined for null */
export function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, child]) => child !== null && key !== '__proto__');
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutNulls(child)]));
}

export const quoted = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
};
