import { basename, dirname } from 'node:path';
import type { InputItem } from './input-item.ts';
import { fileItem, type Inside } from './list-input.ts';

/** Columns that have the picture, the first that a row has. */
const columns = ['image', 'image_url', 'image_base64', 'url', 'path', 'file', 'filename', 'file_name'] as const;

/** A text that is longer is no path. */
const longestPath = 4096;

/**
 * The pictures of a table's rows: paths (relative ones begin beside the table), addresses, `data:` URLs or base64. A row may ask for
 * an explanation, as requests to online endpoints do: `model_explainability`, `xai_parameters`.
 *
 * @param path absolute; a JSONL or CSV file, a file MLTable, or its folder
 * @throws IssuesError when it cannot be read
 */
export async function* itemsOfTable(path: string, inside: Inside): AsyncGenerator<InputItem> {
  const { ImageFinder, readTableRows, throwIfErrors } = await import('@fovea/data');
  const { rows, issues, folder, sources } = await readTableRows(path, { multiLine: true });
  throwIfErrors(issues, { sources });
  const finder = new ImageFinder(folder);
  for (const { fields, file, line } of rows) {
    const place = `${basename(file)}:${line}`;
    const told = pictureOf(fields);
    if ('fault' in told) {
      yield { name: place, source: { kind: 'fault', message: told.fault } };
      continue;
    }
    const explain = told.explain === null ? {} : { explain: told.explain };
    const { text } = told;
    const data = /^\s*data:[^,]*,/i.exec(text);
    if (data) {
      const isBase64 = /;base64,$/i.test(data[0]);
      const rest = text.slice(data[0].length);
      const base64 = isBase64 ? rest : Buffer.from(decodeURIComponent(rest), 'latin1').toString('base64');
      yield { name: place, source: { kind: 'base64', base64 }, ...explain };
      continue;
    }
    const isAddress = /^\s*https?:\/\//i.test(text);
    const found = text.length <= longestPath && !/[\r\n]/.test(text) ? await finder.find(text, dirname(file)) : null;
    if (found && 'file' in found) yield { ...(await fileItem(text, found.file, inside)), ...explain };
    else if (isAddress) yield { name: text.trim(), source: { kind: 'address', url: text.trim() }, ...explain };
    else if (looksLikeBase64(text)) yield { name: place, source: { kind: 'base64', base64: text }, ...explain };
    else if (found) {
      const message = `it is not there; looked in ${found.lookedIn.join(', ')}`;
      yield { name: text.slice(0, 300), source: { kind: 'fault', message } };
    } else yield { name: place, source: { kind: 'fault', message: 'it is neither base64 nor a path' } };
  }
}

type Told = { readonly text: string; readonly explain: object | null } | { readonly fault: string };

function pictureOf(fields: Readonly<Record<string, unknown>>): Told {
  const column = columns.find((name) => typeof fields[name] === 'string' && fields[name] !== '');
  if (column === undefined)
    return { fault: `the row has no column image or image_url; it has ${Object.keys(fields).join(', ')}` };
  const text = fields[column] as string;
  // The element of an online request, as it stands in one.
  if (/^\s*\{/.test(text)) {
    let element: unknown;
    try {
      element = JSON.parse(text);
    } catch {
      return { fault: `${column} begins as JSON and is none` };
    }
    return pictureOf({ ...(element as object) });
  }
  const asked = fields.model_explainability;
  if (asked === undefined || asked === null || asked === false || asked === 'false') return { text, explain: null };
  if (asked !== true && asked !== 'true') return { fault: 'model_explainability should be true or false' };
  const parameters = parametersOf(fields.xai_parameters);
  return parameters === null
    ? { fault: 'xai_parameters should be an object, or JSON of one' }
    : { text, explain: parameters };
}

function parametersOf(value: unknown): object | null {
  if (value === undefined || value === null || value === '') return {};
  let parsed = value;
  if (typeof value === 'string') {
    try {
      parsed = JSON.parse(value);
    } catch {
      return null;
    }
  }
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : null;
}

/** The smallest pictures have dozens of bytes. */
const looksLikeBase64 = (text: string): boolean => text.length >= 64 && /^[\sA-Za-z0-9+/_-]+={0,2}\s*$/.test(text);
