import { randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Machine } from '../compute/local-machine.ts';
import { cacheFolderOf, type Place } from '../place.ts';
import type { TrialTask } from '../trial-process/task.ts';
import { makeFolder, type StartedProcess, startProcess } from './start-process.ts';

/** What a trial's process is to be. */
interface Wanted {
  task: TrialTask;
  log: string;
  /** What its process is told beside that of this one. */
  environment: Record<string, string | undefined>;
}

/**
 * A process that has loaded the engine and waits for a trial, so that nobody waits for it to load. There is one at most, and it ends with
 * this process. On a machine with GPUs there is none: a process is to see its own GPU from its first moment on.
 */
export class SpareProcess {
  readonly #place: Place;
  readonly #machine: Machine;
  readonly #wake: () => void;
  #spare: { process: StartedProcess; log: string; threads: number } | null = null;

  constructor(place: Place, machine: Machine, wake: () => void) {
    this.#place = place;
    this.#machine = machine;
    this.#wake = wake;
  }

  /** Sees to it that there is one, for a trial with so many threads. */
  prepare(threads: number): void {
    if (this.#machine.gpus.length > 0) return;
    if (this.#spare?.threads === threads && this.#spare.process.ended() === null) return;
    this.drop();
    // With the number of this process in its name it is cleared away when this one is gone.
    const log = join(cacheFolderOf(this.#place), `spare-${randomUUID()}.${process.pid}.log`);
    const spare = startProcess(
      {
        script: new URL('../trial-process/main.ts', import.meta.url),
        args: ['--wait', this.#place.folder],
        folder: this.#place.folder,
        log,
        environment: { OMP_NUM_THREADS: String(threads), FOVEA_DATABASE: this.#place.database },
        listens: true,
      },
      this.#wake,
    );
    this.#spare = { process: spare, log, threads };
  }

  /** Gives it a trial. @returns null where there is none that could run it */
  take({ task, log, environment }: Wanted): StartedProcess | null {
    const spare = this.#spare;
    if (spare === null || spare.threads !== task.threads || spare.process.ended() !== null) return null;
    // What a process reads as it begins cannot be told to it later.
    const same = Object.entries(environment).every(
      ([name, value]) => name === 'OMP_NUM_THREADS' || env[name] === value,
    );
    if (!same) return null;
    try {
      makeFolder(dirname(log));
      renameSync(spare.log, log);
    } catch {
      // Whoever starts a process for it finds the same, and says it.
      return null;
    }
    this.#spare = null;
    spare.process.tell(JSON.stringify(task));
    return spare.process;
  }

  drop(): void {
    if (this.#spare === null) return;
    this.#spare.process.tell('');
    rmSync(this.#spare.log, { force: true });
    this.#spare = null;
  }
}

const { env } = process;
