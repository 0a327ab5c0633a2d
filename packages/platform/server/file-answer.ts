import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { Refusal } from '../refusal.ts';
import type { RequestContext } from './requests.ts';

/** A file of a list that the server made. */
export interface ListedFile {
  /** Relative to a folder, with slashes. */
  readonly path: string;
  readonly sha256: string;
}

/**
 * Answers with a file below a folder, or with what it has from a byte on (`Range: bytes=<n>-`).
 * @throws Refusal when it is not there, or a link leads out of the folder
 */
export async function fileAnswer(context: RequestContext, folder: string, file: ListedFile): Promise<Response> {
  const [root, whole] = await Promise.all(
    [folder, join(folder, file.path)].map((path) => realpath(path).catch(() => null)),
  );
  const found = whole !== null && root !== null && whole.startsWith(root + sep) ? await stat(whole) : null;
  if (whole === null || !found?.isFile()) {
    throw new Refusal('not-found', 'FileNotFound', `${file.path} is not there any more`);
  }
  const asked = /^bytes=(\d{1,15})-$/.exec(context.req.header('range') ?? '');
  const from = asked ? Number(asked[1]) : 0;
  const headers = {
    ...{ 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', etag: `"${file.sha256}"` },
  };
  if (asked && from >= found.size) {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${found.size}` } });
  }
  const bytes = Readable.toWeb(createReadStream(whole, { start: from, highWaterMark: 1 << 18 }));
  return new Response(bytes as ReadableStream<Uint8Array>, {
    status: asked ? 206 : 200,
    headers: {
      ...headers,
      'content-length': String(found.size - from),
      ...(asked && { 'content-range': `bytes ${from}-${found.size - 1}/${found.size}` }),
    },
  });
}
