import { type Entry, openPromise } from 'yauzl';
import { type ArchiveEntry, archiveRefused } from './archive-entry.ts';

/** The kind of a file, in the upper half of the attributes that Unix writes (`S_IFMT` of stat). */
const kindMask = 0o170000;
const kinds: ReadonlyMap<number, string> = new Map([
  [0o120000, 'a symbolic link'],
  [0o010000, 'a pipe'],
  [0o020000, 'a device'],
  [0o060000, 'a device'],
  [0o140000, 'a socket'],
]);
const deflated = 8;
const stored = 0;

/** What a zip archive says that it holds. @throws Refusal where its directory cannot be read */
export async function* zipEntries(archive: string): AsyncGenerator<ArchiveEntry> {
  const refuse = (what: string) => archiveRefused(archive, what);
  const unreadable = (error: unknown) => refuse(`it cannot be read as zip (${(error as Error).message})`);
  const zip = await openPromise(archive, { strictFileNames: true }).catch((error) => {
    throw unreadable(error);
  });
  const entries = zip.eachEntry();
  try {
    for (;;) {
      const { value: entry, done } = await entries.next().catch((error) => {
        throw unreadable(error);
      });
      if (done) return;
      if (entry.isEncrypted())
        throw refuse(`${JSON.stringify(entry.fileName)} is encrypted; pack it without a password`);
      if (![deflated, stored].includes(entry.compressionMethod)) {
        const method = `method ${entry.compressionMethod}`;
        throw refuse(
          `${JSON.stringify(entry.fileName)} is compressed by ${method}; pack it with deflate, zip's usual one`,
        );
      }
      yield {
        ...{ name: entry.fileName, kind: kindOf(entry), size: entry.uncompressedSize, crc32: entry.crc32 },
        open: () => zip.openReadStreamPromise(entry),
      };
    }
  } finally {
    zip.close();
  }
}

function kindOf({ fileName, externalFileAttributes }: Entry): ArchiveEntry['kind'] {
  const other = kinds.get((externalFileAttributes >>> 16) & kindMask);
  if (other !== undefined) return { other };
  return fileName.endsWith('/') ? 'folder' : 'file';
}
