import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Issue } from '../issue.ts';
import { jsonFault } from '../json-fault.ts';

const [QUOTE, BACKSLASH, COMMA, NEWLINE] = [34, 92, 44, 10];
const [OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP] = [91, 93, 123, 125];

/**
 * Reads a JSON document whose top level holds long lists, `{"images": […], "annotations": […]}`, one item at a time: files of
 * hundreds of megabytes do not fit into one string.
 * @param onItem called for each item of each list of the top level, with the line on which it begins
 * @returns what else stands in the top level, lists replaced by their lengths; and a fault of the JSON
 */
export async function readJsonSections(
  file: string,
  onItem: (section: string, item: unknown, line: number) => void,
): Promise<{ rest: Record<string, unknown>; issues: Issue[] }> {
  // The document without the items; JSON by itself exactly when their frame is.
  let frame = '';
  const decoder = new StringDecoder('utf8');
  let item: Buffer[] | null = null;
  let itemLine = 1;
  let line = 1;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let isBlank = true;
  let section = '';
  let fault: Issue | null = null;

  const finish = () => {
    if (item === null) return;
    const text = Buffer.concat(item).toString('utf8');
    item = null;
    if (isBlank) return;
    frame += '0';
    try {
      onItem(section, JSON.parse(text), itemLine);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      fault ??= faultIn(file, text, itemLine);
    }
  };

  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer;
    let from = 0;
    const take = (to: number) => {
      // Items begin and end at signs of one byte: the frame is never left in the middle of a character.
      if (item !== null) item.push(bytes.subarray(from, to));
      else frame += decoder.write(bytes.subarray(from, to));
      from = to;
    };
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (byte === NEWLINE) line++;
      if (byte <= 32) continue;
      if (item !== null && depth === 2 && (byte === COMMA || byte === CLOSE_LIST)) {
        take(i);
        finish();
        if (byte === COMMA) {
          take(i + 1);
          item = [];
          isBlank = true;
          continue;
        }
      } else if (item !== null && isBlank) {
        isBlank = false;
        itemLine = line;
      }
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_LIST || byte === OPEN_MAP) {
        depth++;
        if (depth === 2 && byte === OPEN_LIST && item === null) {
          take(i + 1);
          section = lastKey(frame) ?? '';
          item = [];
          isBlank = true;
        }
      } else if (byte === CLOSE_LIST || byte === CLOSE_MAP) depth--;
    }
    take(bytes.length);
  }
  // An item that never ended.
  if (item !== null) frame += Buffer.concat(item as Buffer[]).toString('utf8');
  const text = frame.replace(/^\ufeff/, '');
  if (fault !== null) return { rest: {}, issues: [fault] };
  try {
    const rest: unknown = JSON.parse(text);
    if (typeof rest === 'object' && rest !== null && !Array.isArray(rest))
      return { rest: rest as Record<string, unknown>, issues: [] };
    return { rest: {}, issues: [notJson(file, 'it is not an object')] };
  } catch {
    const where = jsonFault(text)?.message ?? 'it cannot be parsed';
    return { rest: {}, issues: [{ ...notJson(file, where), ...(line > 1 && { line }) }] };
  }
}

/** The name of the list that begins where the frame ends. */
function lastKey(frame: string): string | undefined {
  const key = /("(?:[^"\\]|\\.)*")\s*:\s*\[$/.exec(frame.slice(-4096))?.[1];
  if (key === undefined) return undefined;
  try {
    return JSON.parse(key) as string;
  } catch {
    return undefined;
  }
}

function faultIn(file: string, text: string, line: number): Issue {
  const found = jsonFault(text.trimStart()) ?? { column: 1, message: 'it cannot be parsed' };
  const before = text
    .trimStart()
    .slice(0, found.column - 1)
    .split('\n');
  return { ...notJson(file, found.message), line: line + before.length - 1 };
}

const notJson = (file: string, why: string): Issue => ({
  code: 'not-json',
  severity: 'error',
  file,
  message: `not JSON: ${why}`,
});
