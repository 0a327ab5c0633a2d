import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { invalid, Refusal } from '../refusal.ts';
import { hashOfFile } from '../registry/content.ts';
import { mostLineBytes, type Piece, parsePieceLine } from '../wire/piece.ts';

/** What takes pieces. */
export interface Receiver {
  /** @throws Refusal for a piece that is not wanted */
  begin(piece: Piece): Promise<PieceWriter>;
}

export interface PieceWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** @param whole the piece came to its end */
  end(whole: boolean): Promise<void>;
}

/**
 * Hands on the pieces of a body. What has come of a piece whose end does not come is kept.
 * @throws Refusal for a body that is not made of pieces, or breaks off in one
 */
export async function readPieces(body: ReadableStream<Uint8Array> | null, receiver: Receiver): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let writer: PieceWriter | null = null;
  let left = 0;
  try {
    for await (const chunk of body ?? []) {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
      for (;;) {
        if (writer === null) {
          const at = rest.indexOf(10);
          if (at === -1 && rest.length > mostLineBytes) throw malformed();
          if (at === -1) break;
          const piece = parsePieceLine(rest.toString('latin1', 0, Math.min(at, mostLineBytes)));
          if (piece === null) throw malformed();
          left = piece.bytes;
          writer = await receiver.begin(piece);
          rest = rest.subarray(at + 1);
        }
        const part = rest.subarray(0, left);
        rest = rest.subarray(part.length);
        left -= part.length;
        if (part.length > 0) await writer.write(part);
        if (left > 0) break;
        const done: PieceWriter = writer;
        writer = null;
        await done.end(true);
      }
    }
    if (writer !== null || rest.length > 0) throw invalid('the body ends within a file', undefined, 'UploadTruncated');
  } finally {
    await writer?.end(false);
  }
}

const malformed = () =>
  invalid(
    'the body should be stretches of files, each after a line of hash, offset and length',
    undefined,
    'InvalidUpload',
  );

/**
 * Writes a piece at the end of what there is of a file.
 * @param file where the file grows
 * @param total its size
 * @param whole is called when all has come and is what it should be
 * @throws Refusal when the piece does not begin where the file ends, or what came is not what was said
 */
export async function writePiece(
  file: string,
  { sha256, offset, bytes }: Piece,
  total: number,
  whole: () => Promise<void>,
): Promise<PieceWriter> {
  const have = (await stat(file).catch(() => null))?.size ?? 0;
  if (offset !== have || offset + bytes > total) {
    const message = `${sha256.slice(0, 12)}… has ${have} of ${total} bytes, and ${bytes} from ${offset} on do not fit there`;
    throw new Refusal('conflict', 'UploadOffset', message);
  }
  const handle: FileHandle = await open(file, 'a', 0o600);
  // What begins at the first byte need not be read again.
  const hash: Hash | null = offset === 0 ? createHash('sha256') : null;
  let written = 0;
  return {
    async write(part) {
      try {
        await handle.writeFile(part);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // It would be in the way of whoever makes room.
        if (code === 'ENOSPC' || code === 'EDQUOT') await rm(file, { force: true });
        throw error;
      }
      hash?.update(part);
      written += part.length;
    },
    async end(isWhole) {
      try {
        if (isWhole && offset + written === total) await handle.datasync();
      } finally {
        await handle.close();
      }
      if (!isWhole || offset + written !== total) return;
      const found = hash === null ? await hashOfFile(file) : hash.digest('hex');
      if (found === sha256) return whole();
      await rm(file, { force: true });
      const message = `what came is not ${sha256.slice(0, 12)}…, but ${found.slice(0, 12)}…: did the file change while it was sent?`;
      throw invalid(message, undefined, 'WrongHash');
    },
  };
}
