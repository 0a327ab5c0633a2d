import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { type ArchiveEntry, archiveRefused } from './archive-entry.ts';

const kinds: Readonly<Record<string, string>> = {
  symlink: 'a symbolic link',
  link: 'a hard link',
  fifo: 'a pipe',
  'character-device': 'a device',
  'block-device': 'a device',
};

/** Two blocks of zeros end a tar archive (POSIX.1-2017, pax). */
const endBytes = 1024;

/**
 * What a tar archive says that it holds, in its order.
 * @param mostBytes of the whole archive when it is no longer compressed
 * @throws Refusal where it cannot be read to its end
 */
export async function* tarEntries(
  archive: string,
  { isCompressed, mostBytes }: { isCompressed: boolean; mostBytes: number },
): AsyncGenerator<ArchiveEntry> {
  const entries = extract();
  const file = createReadStream(archive);
  const end = endOfTar(mostBytes);
  const parts = isCompressed ? [file, createGunzip(), end] : [file, end];
  let failure: Error | null = null;
  for (const [i, part] of parts.entries()) {
    part.on('error', (error) => {
      failure ??= error;
      entries.destroy(error);
    });
    if (i > 0) parts[i - 1].pipe(part as Transform);
  }
  // Not `pipeline`: the reader of tar has streams of another make.
  end.on('data', (chunk: Buffer) => {
    if (!entries.write(chunk)) {
      end.pause();
      entries.once('drain', () => end.resume());
    }
  });
  end.on('end', () => entries.end(null));
  try {
    for await (const entry of entries) {
      const { header } = entry;
      yield {
        ...{ name: header.name, kind: kindOf(header), size: header.size ?? 0, crc32: null },
        open: async () => entry as AsyncIterable<Uint8Array> & typeof entry,
      };
      // What was not read is passed over.
      if (!entry.destroyed) entry.resume();
    }
    if (failure !== null) throw failure;
    if (!end.isWhole()) throw new Error('it ends without the mark of its end: it is cut off');
  } catch (error) {
    if ((error as Error).name === 'Refusal') throw error;
    throw archiveRefused(archive, `it cannot be read as tar (${(error as Error).message})`);
  } finally {
    for (const part of parts) part.destroy();
    entries.destroy();
  }
}

function kindOf({ type, pax }: Header): ArchiveEntry['kind'] {
  if (pax && Object.keys(pax).some((key) => key.startsWith('GNU.sparse.'))) return { other: 'a sparse file' };
  if (type === 'directory') return 'folder';
  if (type === 'file' || type === 'contiguous-file') return 'file';
  return { other: kinds[type] ?? 'of a kind that only some programs know' };
}

/** Passes so many bytes on and looks whether the last ones mark the end. */
function endOfTar(mostBytes: number): Transform & { isWhole(): boolean } {
  let [zeros, bytes] = [0, 0];
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      if (bytes > mostBytes) return done(new Error('it goes on and on'));
      const last = chunk.findLastIndex((byte) => byte !== 0);
      zeros = last < 0 ? zeros + chunk.length : chunk.length - 1 - last;
      done(null, chunk);
    },
  });
  return Object.assign(stream, { isWhole: () => zeros >= endBytes });
}
