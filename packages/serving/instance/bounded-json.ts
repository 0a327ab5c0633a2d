import { badRequest } from './request-error.ts';

/** How much structure a text may have. What is inside of strings is no structure. */
export interface JsonBounds {
  /** Brackets inside of brackets. */
  readonly depth: number;
  /** Commas, colons, brackets and escaped quotes. */
  readonly marks: number;
}

const [QUOTE, COMMA, COLON, OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Array.from(
  '",:[\\]{}',
  (mark) => mark.charCodeAt(0),
);

/**
 * `JSON.parse` for texts of strangers. A few megabytes of brackets become gigabytes of objects, and the process ends; so the
 * structure is counted before anything is made of it. Long strings, which is what pictures are, cost next to nothing.
 *
 * @param what the text is, for errors
 * @throws RequestError (400) for what is no JSON or has more structure than `bounds`
 */
export function parseBoundedJson(text: string, bounds: JsonBounds, what: string, target?: string): unknown {
  const excess = structureBeyond(text, bounds);
  if (excess !== null) throw badRequest(`${what} has ${excess}`, target);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`${what} is not JSON: ${error instanceof Error ? error.message : error}`, target);
  }
}

/** What there is too much of; null: nothing. */
function structureBeyond(text: string, bounds: JsonBounds): string | null {
  let depth = 0;
  let marks = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = endOfString(text, i, bounds.marks - marks);
        if (end === null) return tooMany(bounds);
        marks += end.escaped;
        i = end.at;
        break;
      }
      case OPEN_LIST:
      case OPEN_OBJECT:
        if (++depth > bounds.depth) return `more than ${bounds.depth} brackets inside of each other`;
        marks++;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--;
        break;
      case COMMA:
      case COLON:
        marks++;
    }
    if (marks > bounds.marks) return tooMany(bounds);
  }
  return null;
}

const tooMany = ({ marks }: JsonBounds) => `more than ${marks.toLocaleString('en')} values`;

/** Where the string that begins at `start` ends (at the end of the text, when it is left open); null: more escapes than `most`. */
function endOfString(text: string, start: number, most: number): { at: number; escaped: number } | null {
  let escaped = 0;
  for (let from = start + 1; ; ) {
    const at = text.indexOf('"', from);
    if (at < 0) return { at: text.length, escaped };
    let slashes = 0;
    while (at - 1 - slashes >= from && text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return { at, escaped };
    if (++escaped > most) return null;
    from = at + 1;
  }
}
