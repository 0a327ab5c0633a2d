import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RunEvent } from '@fovea/automl/runs';

/** Where the processes of a job or trial write what happens: `events.jsonl`, a line each, and the latest step in a file of its own. */
export const eventFiles = (folder: string) => ({
  events: join(folder, 'events.jsonl'),
  step: join(folder, 'last-step.json'),
});

/** A line of `events.jsonl`. */
export interface WrittenEvent {
  time: string;
  event: RunEvent;
}

export const stepBytes = 2048;
const stepMilliseconds = 250;

export interface EventWriter {
  write(event: RunEvent): void;
  /** Takes the file of the latest step away. */
  close(): void;
}

/** Writes the events of a trial, from the one process that works on it. A line that a killed one left unfinished is taken away. */
export function writeEvents(folder: string): EventWriter {
  mkdirSync(folder, { recursive: true });
  const files = eventFiles(folder);
  const events = openSync(files.events, 'a+');
  cutUnfinishedLine(events);
  // One block of one size that is written over in place: no reader sees a file that is missing, and no killed writer leaves another.
  const step = openSync(files.step, 'w');
  let stepped = Number.NEGATIVE_INFINITY;
  return {
    write(event) {
      if (event.type !== 'step') {
        writeLine(events, files.events, event);
        return;
      }
      const now = performance.now();
      const text = JSON.stringify(event);
      if (now - stepped < stepMilliseconds || Buffer.byteLength(text) > stepBytes) return;
      stepped = now;
      const block = Buffer.alloc(stepBytes, ' ');
      block.write(text);
      writeSync(step, block, 0, stepBytes, 0);
    },
    close() {
      closeSync(events);
      closeSync(step);
      rmSync(files.step, { force: true });
    },
  };
}

/** Adds an event of the job as a whole, from any process. */
export function appendEvent(folder: string, event: RunEvent): void {
  mkdirSync(folder, { recursive: true });
  const file = openSync(eventFiles(folder).events, 'a');
  try {
    writeLine(file, eventFiles(folder).events, event);
  } finally {
    closeSync(file);
  }
}

function writeLine(file: number, path: string, event: RunEvent): void {
  const line: WrittenEvent = { time: new Date().toISOString(), event };
  try {
    writeSync(file, `${JSON.stringify(line)}\n`);
  } catch (error) {
    // The system does not say which file.
    throw new Error(`${path} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

function cutUnfinishedLine(file: number): void {
  const { size } = fstatSync(file);
  const tail = Buffer.alloc(Math.min(size, 65_536));
  const read = readSync(file, tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf(10, read - 1) + 1;
  if (end < read) ftruncateSync(file, size - tail.length + end);
}
