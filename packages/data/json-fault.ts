const WHITESPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside of strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const WORD = /true|false|null/y;

/** Where and why a text is not JSON (RFC 8259). */
export interface JsonFault {
  /** 1-based, in UTF-16 code units; one past the end when the text stops too early. */
  column: number;
  message: string;
}

/**
 * The first place where `text` stops being JSON; null when it is JSON. `JSON.parse` itself does not always tell the place,
 * and words it differently from version to version.
 */
export function jsonFault(text: string): JsonFault | null {
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found !== null && found[0] !== '';
  };
  const blank = () => {
    skip(WHITESPACE);
    return text[at];
  };
  const fail = (wanted: string): never => {
    const found =
      at >= text.length
        ? 'unexpected end'
        : `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`;
    throw { column: at + 1, message: `${found}, ${wanted}` } satisfies JsonFault;
  };

  function string(wanted: string): void {
    if (text[at] !== '"') fail(wanted);
    skip(STRING);
    if (text[at] !== '"') fail(text[at] === '\\' ? 'which is no escape of JSON' : 'where a string is still open');
    at++;
  }

  /** What stands between brackets: items, parted by commas, up to `close`. */
  function list(close: string, item: () => void): void {
    at++;
    if (blank() === close) {
      at++;
      return;
    }
    for (;;) {
      blank();
      item();
      const next = blank();
      if (next !== close && next !== ',') fail(`where , or ${close} should be`);
      at++;
      if (next === close) return;
    }
  }

  function value(): void {
    const first = text[at];
    if (first === '{') {
      list('}', () => {
        string('where a name in double quotes should be');
        if (blank() !== ':') fail('where : should be');
        at++;
        blank();
        value();
      });
    } else if (first === '[') list(']', value);
    else if (first === '"') string('');
    else if (!skip(WORD) && !skip(NUMBER)) fail('where a value should be');
  }

  try {
    blank();
    value();
    if (blank() !== undefined) fail('after the end of the object');
    return null;
  } catch (fault) {
    if (fault instanceof RangeError) return { column: 1, message: 'brackets are nested too deeply' };
    if (fault instanceof Error) throw fault;
    return fault as JsonFault;
  }
}
