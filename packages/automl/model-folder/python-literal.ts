/** What would not show, or would turn the text around it, in an editor. */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Plain data as an expression of Python, whatever its texts hold; its dicts are laid out one key a line, to be edited.
 * @throws TypeError for what JSON has no form for
 */
export function pythonLiteral(value: unknown, indent = ''): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'string') return pythonString(value);
  if (Array.isArray(value)) return `[${value.map((item) => pythonLiteral(item, indent)).join(', ')}]`;
  if (typeof value === 'object') {
    const inner = `${indent}    `;
    const lines = Object.entries(value).map(
      ([key, item]) => `${inner}${pythonString(key)}: ${pythonLiteral(item, inner)},\n`,
    );
    return lines.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`;
  }
  throw new TypeError(`${String(value)} has no form in Python`);
}

/** JSON's escapes are Python's as well; what they leave as it is, a Python file in UTF-8 may hold. */
function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
