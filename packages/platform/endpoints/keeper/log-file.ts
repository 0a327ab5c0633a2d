import { appendFileSync, copyFileSync, openSync, rmSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../../orchestrator/start-process.ts';

/** A file may grow to so many bytes before it is set aside; one older file is kept. */
const mostBytes = 10 * 2 ** 20;

/** A log that does not grow for ever: what is older is in a file beside it that ends in `.1`. */
export class LogFile {
  readonly path: string;
  readonly #mostBytes: number;

  constructor(path: string, most = mostBytes) {
    this.path = path;
    this.#mostBytes = most;
  }

  /** For a process to write to. @throws the system's error */
  open(): number {
    makeFolder(dirname(this.path));
    return openSync(this.path, 'a');
  }

  /** What cannot be written, on a full disk say, is not said. */
  say(text: string): void {
    try {
      makeFolder(dirname(this.path));
      appendFileSync(this.path, `${new Date().toISOString()} ${text}\n`);
    } catch {
      // Nobody could be told.
    }
  }

  /**
   * Sets what is there aside when it is too much. Processes that have the file open go on writing to it, so it is copied and emptied; a line
   * that comes just in between is lost.
   */
  rotate(): void {
    try {
      if (statSync(this.path).size <= this.#mostBytes) return;
      copyFileSync(this.path, `${this.path}.1`);
      truncateSync(this.path);
    } catch {
      // It is not there yet, or there is no room for a copy: then what is older goes.
      rmSync(`${this.path}.1`, { force: true });
    }
  }
}
