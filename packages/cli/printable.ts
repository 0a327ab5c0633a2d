// What a terminal must not receive from a file name, a class name or a log line: escape sequences that colour, move the
// cursor or retitle the window, and the direction marks that make text read other than it is. They are shown as \u001b.
const controls = /[\p{Cc}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

/** `text` on one line, its control characters (line ends and tabs too) shown as `\u001b`. */
export function printable(text: string): string {
  return text.replace(controls, escaped);
}

/** As `printable`, but line ends stay and a tab becomes two spaces: for whole reports. */
export function printableLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\t', '  ').split('\n').map(printable).join('\n');
}

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
