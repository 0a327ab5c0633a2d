import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Place } from '../place.ts';
import { endAtOnce } from './end-at-once.ts';

/** What the lifeline of a trial's process is told. */
export interface LifelineData {
  readonly place: Place;
  readonly job: string;
  readonly trial: string;
  /** Token of this process, which holds the trial's lease. */
  readonly owner: string;
}

export interface Lifeline {
  /** Called when the trial may write its last words: the lease is not kept alive after this. */
  stop(): Promise<void>;
}

/**
 * Keeps the lease of a trial alive from a thread of its own, since a step of training may keep the main thread for longer than a lease
 * lasts. When the job is to be canceled, `onCancel` is called; a main thread that has not ended a second later is in a long step, and the
 * process is killed. It is killed at once when the lease is lost: another process works on the trial then.
 */
export function startLifeline(data: LifelineData, onCancel: () => void): Lifeline {
  const worker = new Worker(new URL('./lifeline-worker.ts', import.meta.url), { workerData: data });
  worker.unref();
  worker.on('message', onCancel);
  worker.on('error', (error) => {
    console.error(error);
    endAtOnce();
  });
  const exited = once(worker, 'exit');
  return {
    async stop() {
      worker.postMessage('stop');
      worker.ref();
      await exited;
    },
  };
}
