import { once } from 'node:events';
import { dirname } from 'node:path';
import { type Logger, pino } from 'pino';
import { makeFolder } from '../../orchestrator/start-process.ts';
import { LogFile } from './log-file.ts';

/** The log of a gateway's requests. */
export interface RequestLog {
  readonly log: Logger;
  rotate(): void;
  /** Writes what is left. */
  end(): Promise<void>;
}

/** Lines are written together: one by one they would take more time than small requests do. */
const options = { append: true, sync: false, minLength: 16_000, periodicFlush: 200 };

/** Where nothing can be written, on a full disk say, nothing is: requests are answered all the same. */
export async function openRequestLog(path: string): Promise<RequestLog> {
  try {
    makeFolder(dirname(path));
    const destination = pino.destination({ ...options, dest: path });
    await once(destination, 'ready');
    destination.on('error', () => {});
    const file = new LogFile(path);
    return {
      log: pino(destination),
      rotate: () => file.rotate(),
      async end() {
        const closed = Promise.race([once(destination, 'close'), once(destination, 'error')]);
        destination.end();
        await closed.catch(() => {});
      },
    };
  } catch {
    return { log: pino({ enabled: false }), rotate() {}, end: async () => {} };
  }
}
