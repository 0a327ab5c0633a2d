const mostBytes = 1024;
const mostPartBytes = 255;

/**
 * Whether a text is the path of a file below a folder, as lists of files have it: parts with slashes between them, none of them empty, `.`
 * or `..`, without control characters and backslashes. Such a path cannot lead out of the folder.
 */
export function isRelativePath(path: unknown): path is string {
  if (typeof path !== 'string' || path === '' || Buffer.byteLength(path) > mostBytes) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path) || !path.isWellFormed()) return false;
  return path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= mostPartBytes);
}

/** Whether a text is a SHA-256 as lists of files have it. */
export const isSha256 = (text: unknown): text is string => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
