import { randomUUID } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import type { DataCollectorSpec } from '../online/online-spec.ts';

/** A body, as it came over the wire. */
export interface CollectedBody {
  readonly parts: readonly Buffer[];
  readonly type: string | undefined;
  /** It was read as JSON, or written as such. */
  readonly isJson: boolean;
}

/** A request with its answer. */
export interface Collected {
  readonly endpoint: string;
  readonly deployment: string;
  /** `x-request-id` */
  readonly requestId: string;
  readonly request: CollectedBody;
  /** null: it was too large to be kept. */
  readonly response: CollectedBody | null;
}

export interface CollectorParts {
  readonly folderOf: (endpoint: string, deployment: string) => string;
  readonly log: Logger;
  counted(endpoint: string, deployment: string, outcome: 'kept' | 'dropped'): void;
  readonly now?: () => Date;
  /** Bytes that wait to be written, at most. */
  readonly mostWaiting?: number;
}

interface Row {
  readonly file: string;
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly of: Pick<Collected, 'endpoint' | 'deployment'>;
}

const MOST_WAITING = 64 * 2 ** 20;
/** Rows that are written by one call. */
const ROWS_AT_ONCE = 256;

/**
 * Keeps requests and answers as Azure's data collector does: `<folder>/<collection>/<yyyy>/<MM>/<dd>/<HH>/<id>.jsonl`, a CloudEvent a line.
 * What cannot be written, or not fast enough, is dropped and counted; no request waits for it, and none fails by it.
 */
export class DataCollector {
  readonly #parts: CollectorParts;
  /** A file is written by one process: a line that was cut is the last one. */
  readonly #writer = randomUUID();
  readonly #queue: Row[] = [];
  #waiting = 0;
  #writing: Promise<void> | null = null;
  #isFailing = false;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  /** Takes a request with its answer; the buffers may not be changed afterwards. */
  collect({ endpoint, deployment, requestId, ...bodies }: Collected, spec: DataCollectorSpec): void {
    const { folderOf, counted, now = () => new Date(), mostWaiting = MOST_WAITING } = this.#parts;
    const time = now().toISOString();
    for (const collection of ['request', 'response'] as const) {
      if (!spec.collections[collection]?.enabled) continue;
      const body = bodies[collection];
      const row = body && {
        file: join(
          folderOf(endpoint, deployment),
          collection,
          rolledTime(time, spec.rolling_rate),
          `${this.#writer}.jsonl`,
        ),
        pieces: rowOf({ endpoint, deployment, requestId, collection, time, body }),
        of: { endpoint, deployment },
      };
      const bytes = row ? row.pieces.reduce((sum, piece) => sum + piece.length, 0) : 0;
      if (row === null || this.#waiting + bytes > mostWaiting) {
        counted(endpoint, deployment, 'dropped');
        continue;
      }
      this.#waiting += bytes;
      this.#queue.push({ ...row, bytes });
    }
    this.#writing ??= this.#write();
  }

  /** Comes back when all that was taken is written, or dropped. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    // What comes at once is written at once.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      const { file } = this.#queue[0];
      const others = this.#queue.findIndex((row) => row.file !== file);
      const rows = this.#queue.splice(0, Math.min(others < 0 ? this.#queue.length : others, ROWS_AT_ONCE));
      const problem = await append(
        file,
        rows.flatMap(({ pieces }) => pieces),
      ).then(
        () => null,
        (error: Error) => error,
      );
      for (const { of, bytes } of rows) {
        this.#waiting -= bytes;
        this.#parts.counted(of.endpoint, of.deployment, problem ? 'dropped' : 'kept');
      }
      if (problem && !this.#isFailing)
        this.#parts.log.error({ file, problem: problem.message }, 'collected data cannot be written and is dropped');
      if (!problem && this.#isFailing) this.#parts.log.info({ file }, 'collected data is written again');
      this.#isFailing = problem !== null;
    }
    this.#writing = null;
  }
}

/** The part of a path that changes so often. @param time ISO 8601, UTC */
function rolledTime(time: string, rate: DataCollectorSpec['rolling_rate']): string {
  const parts = time.slice(0, 16).split(/[-T:]/);
  return parts.slice(0, { Year: 1, Month: 2, Day: 3, Hour: 4, Minute: 5 }[rate]).join('/');
}

interface RowParts extends Pick<Collected, 'endpoint' | 'deployment' | 'requestId'> {
  readonly collection: 'request' | 'response';
  readonly time: string;
  readonly body: CollectedBody;
}

/** A CloudEvent (specification 1.0, JSON format) in pieces. What is JSON stands in it as it is: to read and write it again would take longer than to score. */
function rowOf({ endpoint, deployment, requestId, collection, time, body }: RowParts): Buffer[] {
  const head = JSON.stringify({
    specversion: '1.0',
    id: randomUUID(),
    source: `onlineEndpoints/${endpoint}/deployments/${deployment}`,
    type: `azureml.inference.${collection}`,
    time,
    datacontenttype: body.type ?? 'application/json',
    correlationid: requestId,
    xrequestid: requestId,
  }).slice(0, -1);
  const bytes = Buffer.concat(body.parts);
  if (!body.isJson) return [Buffer.from(`${head},"data_base64":"${bytes.toString('base64')}"}\n`)];
  return [Buffer.from(`${head},"data":`), oneLine(bytes), Buffer.from('}\n')];
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const [NEWLINE, RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/** JSON without line ends: they can stand between its parts only, where a space does as well. Changes the bytes. */
function oneLine(bytes: Buffer): Buffer {
  for (const end of [NEWLINE, RETURN])
    for (let at = bytes.indexOf(end); at >= 0; at = bytes.indexOf(end, at + 1)) bytes[at] = SPACE;
  return bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
}

/** Appends pieces to a file, all or none. */
async function append(file: string, pieces: readonly Buffer[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a', 0o600);
  try {
    const { size } = await handle.stat();
    try {
      await handle.appendFile(Buffer.concat(pieces));
    } catch (error) {
      await handle.truncate(size);
      throw error;
    }
  } finally {
    await handle.close();
  }
}
