import { open, readFile } from 'node:fs/promises';
import type { RunEvent } from '@fovea/automl/runs';
import { eventFiles, type WrittenEvent } from './event-files.ts';

/** An event that was read, and the how-manieth it is that is kept, from 1: the same whenever it is read. */
export type ReadEvent = WrittenEvent & { readonly number: number };

/** Reads what is written by `writeEvents` and `appendEvent` as it grows. */
export class EventTail {
  readonly #files: ReturnType<typeof eventFiles>;
  #offset = 0;
  #time = '';
  #epoch = 0;
  #number = 0;
  #step = '';

  constructor(folder: string) {
    this.#files = eventFiles(folder);
  }

  /**
   * The events since the last call, in order. An epoch that is told again, because a process died after it and before its checkpoint, is
   * left out.
   */
  async more(): Promise<ReadEvent[]> {
    const lines = (await this.#text()).split('\n').slice(0, -1);
    return lines.flatMap((line) => {
      const written = parsed<WrittenEvent>(line);
      if (written === null) return [];
      const { event } = written;
      if (event.type === 'epoch') {
        if (event.epoch <= this.#epoch) return [];
        this.#epoch = event.epoch;
      }
      // The order of a file holds, whatever became of the clock.
      this.#time = written.time > this.#time ? written.time : this.#time;
      return [{ time: this.#time, event, number: ++this.#number }];
    });
  }

  /** The latest step, when it is another than at the last call. */
  async step(): Promise<RunEvent | null> {
    const text = await readFile(this.#files.step, 'utf8').catch(missing);
    if (text === null || text === this.#step) return null;
    const step = parsed<RunEvent>(text);
    if (step !== null) this.#step = text;
    return step;
  }

  async #text(): Promise<string> {
    const file = await open(this.#files.events).catch(missing);
    if (file === null) return '';
    try {
      const { size } = await file.stat();
      if (size <= this.#offset) return '';
      const bytes = Buffer.alloc(size - this.#offset);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, this.#offset);
      const whole = bytes.subarray(0, bytes.lastIndexOf(10, bytesRead - 1) + 1);
      this.#offset += whole.length;
      return whole.toString('utf8');
    } finally {
      await file.close();
    }
  }
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** Null for half a line, which a reader may see while it is written, or find where a process was killed. */
function parsed<T>(text: string): T | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
