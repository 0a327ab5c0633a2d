import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { invalid, Refusal } from '../refusal.ts';
import { pieceLine } from '../wire/piece.ts';
import type { UploadAnswer } from '../wire/protocol.ts';
import type { Connection } from './connection.ts';
import type { SentFile } from './sent-files.ts';
import { ServerUnreachable } from './unreachable.ts';

/**
 * What is sent at once, in bytes: as much as takes some seconds on this connection. What is on its way is lost when it breaks, and a
 * server does not wait for ever for the end of what is sent.
 */
const atOnce = { first: 2 << 20, least: 64 << 10, most: 64 << 20, seconds: 5 } as const;
/** So long a server that does not answer is asked again, in milliseconds. */
const longest = 5 * 60_000;

/** What whoever opens something of a server may say of the files that are sent there. */
export interface SendOptions {
  /** Is told how many bytes have come, of how many that had to. */
  readonly onBytes?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends files to a server: their hashes, and then what it does not have of them. After a broken connection it goes on where it was, and so
 * does whoever sends the same files later.
 *
 * @returns the upload's id
 * @throws Refusal when it is too much, or a file is changed meanwhile; ServerUnreachable when the server stays away
 */
export async function sendFiles(
  connection: Connection,
  files: readonly SentFile[],
  { onBytes = () => {}, signal }: SendOptions = {},
): Promise<string> {
  const listed = files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  const byHash = new Map(files.map((file) => [file.sha256, file]));
  const begin = () => connection.ask<UploadAnswer>('POST', '/uploads', { body: { files: listed }, signal });
  let answer = await patiently(begin, { wasThere: false, signal });
  const { id } = answer;
  const restOf = ({ missing }: UploadAnswer) =>
    missing.reduce((sum, { sha256, have }) => sum + (byHash.get(sha256)?.bytes ?? 0) - have, 0);
  const total = restOf(answer);
  let budget: number = atOnce.first;
  let silentSince: number | null = null;
  while (answer.missing.length > 0) {
    const left = restOf(answer);
    const pieces = piecesOf(answer, byHash, budget);
    const begun = performance.now();
    try {
      const told = (sent: number) => onBytes(total - left + sent, total);
      await sendPieces(connection, id, pieces, { onBytes: told, signal });
      budget = nextBudget(budget, (performance.now() - begun) / 1000);
      silentSince = null;
      answer = without(answer, pieces, byHash);
      if (answer.missing.length > 0) continue;
    } catch (error) {
      signal?.throwIfAborted();
      const isOdd = error instanceof Refusal && error.code === 'UploadOffset';
      const mayPass = isOdd || (error instanceof ServerUnreachable && error.passing) || isBusy(error);
      if (!mayPass) throw wordsFor(error, pieces);
      silentSince ??= performance.now();
      if (performance.now() - silentSince > longest) throw error;
      budget = Math.max(atOnce.least, Math.floor(budget / 2));
      await wait(error instanceof Refusal ? (error.retryAfter ?? 1) * 1000 : 500, undefined, { signal });
    }
    const before = restOf(answer);
    const progress = () => connection.ask<UploadAnswer>('GET', `/uploads/${id}`, { signal });
    answer = await patiently(progress, { wasThere: true, signal });
    if (restOf(answer) < before) silentSince = null;
  }
  onBytes(total, total);
  return id;
}

interface FilePiece {
  readonly file: SentFile;
  readonly offset: number;
  readonly bytes: number;
}

/** What is sent next, at most so many bytes, of files in the order of the list. */
function piecesOf({ missing }: UploadAnswer, byHash: ReadonlyMap<string, SentFile>, budget: number): FilePiece[] {
  const pieces: FilePiece[] = [];
  let left = budget;
  for (const { sha256, have } of missing) {
    const file = byHash.get(sha256);
    // Asked for something else, there is nothing to send.
    if (file === undefined)
      throw new ServerUnreachable('the server asks for files that were not named', { passing: false });
    if (left <= 0) break;
    const bytes = Math.min(file.bytes - have, left);
    pieces.push({ file, offset: have, bytes });
    // A small file costs something, too.
    left -= bytes + 256;
  }
  return pieces;
}

function without(
  answer: UploadAnswer,
  pieces: readonly FilePiece[],
  byHash: ReadonlyMap<string, SentFile>,
): UploadAnswer {
  const sent = new Map(pieces.map(({ file, offset, bytes }) => [file.sha256, offset + bytes]));
  const missing = answer.missing.flatMap(({ sha256, have }) => {
    const now = sent.get(sha256) ?? have;
    return now >= (byHash.get(sha256)?.bytes ?? 0) && sent.has(sha256) ? [] : [{ sha256, have: now }];
  });
  return { ...answer, missing };
}

const nextBudget = (budget: number, seconds: number): number => {
  const suits = (budget * atOnce.seconds) / Math.max(0.01, seconds);
  return Math.round(Math.min(atOnce.most, Math.max(atOnce.least, Math.min(suits, budget * 4))));
};

async function sendPieces(
  connection: Connection,
  id: string,
  pieces: readonly FilePiece[],
  { onBytes, signal }: { onBytes: (sent: number) => void; signal: AbortSignal | undefined },
): Promise<void> {
  const lines = pieces.map(({ file, offset, bytes }) => pieceLine({ sha256: file.sha256, offset, bytes }));
  const length = pieces.reduce((sum, { bytes }, i) => sum + bytes + Buffer.byteLength(lines[i]), 0);
  async function* body(): AsyncGenerator<Buffer> {
    let sent = 0;
    for (const [i, piece] of pieces.entries()) {
      yield Buffer.from(lines[i]);
      for await (const part of bytesOf(piece)) {
        sent += part.length;
        yield part;
        onBytes(sent);
      }
    }
  }
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(length) };
  const bytes = Readable.from(body(), { objectMode: false });
  await connection.ask('PUT', `/uploads/${id}/content`, { bytes, headers, signal });
}

/** @throws Refusal when the file has become shorter since it was listed */
async function* bytesOf({ file, offset, bytes }: FilePiece): AsyncGenerator<Buffer> {
  if (typeof file.from !== 'string') {
    yield file.from.subarray(offset, offset + bytes);
    return;
  }
  const handle = await open(file.from);
  try {
    for (let at = 0; at < bytes; ) {
      const part = Buffer.alloc(Math.min(1 << 18, bytes - at));
      const { bytesRead } = await handle.read(part, 0, part.length, offset + at);
      if (bytesRead === 0) throw changed(file.from);
      at += bytesRead;
      yield part.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

const changed = (file: string) => invalid(`${file} has changed while it was sent; send it again`, 'path', 'WrongHash');

/** What the server says of hashes, in the names of files. */
function wordsFor(error: unknown, pieces: readonly FilePiece[]): unknown {
  if (!(error instanceof Refusal) || error.code !== 'WrongHash') return error;
  const file = pieces.find(({ file: { sha256 } }) => error.message.includes(sha256.slice(0, 12)))?.file;
  return typeof file?.from === 'string' ? changed(file.from) : error;
}

/** A full disk is not waited for. */
const isBusy = (error: unknown) =>
  error instanceof Refusal && error.reason === 'busy' && error.code !== 'InsufficientStorage';

/**
 * Asks again what changes nothing.
 * @param wasThere the server has answered before: that it refuses connections may pass
 */
async function patiently<T>(
  ask: () => Promise<T>,
  { wasThere, signal }: { wasThere: boolean; signal: AbortSignal | undefined },
): Promise<T> {
  const begun = performance.now();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      signal?.throwIfAborted();
      const mayPass = (wasThere && error instanceof ServerUnreachable && error.passing) || isBusy(error);
      if (!mayPass || performance.now() - begun > longest) throw error;
      await wait(error instanceof Refusal ? (error.retryAfter ?? 1) * 1000 : 500, undefined, { signal });
    }
  }
}
