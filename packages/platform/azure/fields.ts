import { didYouMean } from '@fovea/data';
import { invalid } from '../refusal.ts';
import { isObject } from '../server/requests.ts';

type Fields = Readonly<Record<string, unknown>>;

const said = (value: unknown) => (value === null ? undefined : value);
const shown = (value: unknown) => (JSON.stringify(value) ?? String(value)).slice(0, 100);

/** @throws Refusal unless the field is text, null or left out */
export function textIn(fields: Fields, key: string, at = 'properties'): string | undefined {
  const value = said(fields[key]);
  if (value === undefined || typeof value === 'string') return value as string | undefined;
  throw invalid(`${key} should be text, not ${shown(value)}`, `${at}.${key}`);
}

/** @throws Refusal unless the field is text */
export function requiredText(fields: Fields, key: string, what: string): string {
  const value = textIn(fields, key);
  if (value !== undefined && value !== '') return value;
  throw invalid(`${key} is missing: ${what}`, `properties.${key}`);
}

/** @throws Refusal unless the field is true, false, null or left out */
export function booleanIn(fields: Fields, key: string): boolean | undefined {
  const value = said(fields[key]);
  if (value === undefined || typeof value === 'boolean') return value as boolean | undefined;
  throw invalid(`${key} should be true or false, not ${shown(value)}`, `properties.${key}`);
}

/** @throws Refusal unless the field is a map of text to text, null or left out */
export function textMapIn(fields: Fields, key: string): Record<string, string> | undefined {
  const value = said(fields[key]);
  if (value === undefined) return undefined;
  if (!isObject(value))
    throw invalid(`${key} should be a map of text to text, not ${shown(value)}`, `properties.${key}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text === 'string') return [name, text];
      throw invalid(`${key}.${name.slice(0, 100)} should be text, not ${shown(text)}`, `properties.${key}`);
    }),
  );
}

/** @throws Refusal for a key that is none of the known ones, unless it says nothing */
export function checkKeys(fields: Fields, known: readonly string[], at: string): void {
  for (const [key, value] of Object.entries(fields)) {
    if (value === null || known.includes(key)) continue;
    const hint = didYouMean(key.slice(0, 100), known) ?? `there are ${known.join(', ')}`;
    throw invalid(`unknown property ${shown(key)}; ${hint}`, `${at}.${key.slice(0, 100)}`);
  }
}

/** Tags as a PATCH leaves them: those that it gives besides those that there are; null takes one away. RFC 7396. */
export function mergedTags(tags: Readonly<Record<string, string>>, body: Fields): Record<string, string> {
  const given = said(body.tags) ?? {};
  if (!isObject(given)) throw invalid(`tags should be a map of text to text, not ${shown(given)}`, 'tags');
  const merged = new Map(Object.entries(tags));
  for (const [name, text] of Object.entries(given)) {
    if (text === null) merged.delete(name);
    else if (typeof text === 'string') merged.set(name, text);
    else throw invalid(`tags.${name.slice(0, 100)} should be text, not ${shown(text)}`, 'tags');
  }
  return Object.fromEntries(merged);
}
