/** What file systems take: bytes of a part of a path, and so many parts, each a folder more. */
const mostPartBytes = 255;
const mostBytes = 1024;
const mostParts = 32;

/** Names of an archive, each of which is to be a file or a folder below the one where it is unpacked. */
export interface ArchiveNames {
  /**
   * The parts of a name; none for the top folder itself.
   * @throws Error that says what is wrong with the name, in words that follow it
   */
  take(name: string, isFolder: boolean): readonly string[];
}

/**
 * Takes names that mean one place each: not outside, not twice, and not the same on a file system that knows no capital letters or
 * writes accents its own way.
 */
export function archiveNames(): ArchiveNames {
  const seen = new Map<string, { readonly name: string; readonly isFile: boolean }>();
  return {
    take(name, isFolder) {
      const parts = partsOf(name, isFolder);
      for (const end of parts.keys()) {
        const path = parts.slice(0, end + 1).join('/');
        const isFile = end === parts.length - 1 && !isFolder;
        const key = path.normalize('NFC').toLowerCase();
        const before = seen.get(key);
        if (before === undefined) seen.set(key, { name: path, isFile });
        else if (before.name !== path)
          throw new Error(`differs from ${JSON.stringify(before.name)} by its capital letters or accents only`);
        else if (before.isFile !== isFile) throw new Error(`stands there as a file and as a folder: ${path}`);
        else if (isFile) throw new Error('stands there twice');
      }
      return parts;
    },
  };
}

function partsOf(name: string, isFolder: boolean): string[] {
  if (name.includes('\\')) throw new Error('has a backslash; pack it with slashes, as zip and tar do');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw new Error('has control characters');
  if (name.startsWith('/') || /^[a-z]:/i.test(name)) throw new Error('is an absolute path');
  if (Buffer.byteLength(name) > mostBytes) throw new Error(`is longer than ${mostBytes} bytes`);
  // As `tar -C folder .` writes it.
  const inside = name.replace(/^(\.\/)+/, '').replace(/\/$/, '');
  if (isFolder && (inside === '' || inside === '.')) return [];
  const parts = inside.split('/');
  if (parts.includes('..')) throw new Error('leads out of the folder');
  if (parts.includes('') || parts.includes('.')) throw new Error('has an empty part');
  if (parts.length > mostParts) throw new Error(`lies in more than ${mostParts} folders`);
  if (parts.some((part) => Buffer.byteLength(part) > mostPartBytes))
    throw new Error(`has a part of more than ${mostPartBytes} bytes`);
  return parts;
}
