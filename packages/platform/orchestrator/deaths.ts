import { readFileSync } from 'node:fs';
import type { ProcessEnd } from './start-process.ts';

/**
 * Processes of a trial that may die one after the other without finishing an epoch, before it is given up. One that was killed from
 * outside, or whose end nobody saw, says little about the trial.
 */
const tries = { itself: 3, other: 10 } as const;

/** What a process that died leaves to say. @param end null when this process did not see it */
export function describeDeath(end: ProcessEnd | null, log: string): { itself: boolean; words: string } {
  const lines = lastLines(log);
  const said = lines === '' ? '' : `; it last said:\n${lines}`;
  if (end === null) return { itself: false, words: `its process is gone${said}` };
  const { code, signal, memoryWasShort } = end;
  if (signal === 'SIGKILL') {
    return memoryWasShort
      ? {
          itself: true,
          words: `killed by signal 9, when the machine was out of memory; a smaller training_batch_size, or fewer trials at the same time, need less`,
        }
      : { itself: false, words: 'killed by signal 9; somebody did it, or the machine was out of memory' };
  }
  if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP')
    return { itself: false, words: `ended by ${signal}` };
  const how = signal === null ? `ended with exit code ${code}` : `killed by ${signal}`;
  return { itself: true, words: `${how}${said}` };
}

/** @param attempts processes since the last finished epoch */
export const isGivenUp = (attempts: number, { itself }: { itself: boolean }): boolean =>
  attempts >= (itself ? tries.itself : tries.other);

function lastLines(path: string): string {
  try {
    const text = readFileSync(path, 'utf8').trimEnd();
    return text.split('\n').slice(-8).join('\n').slice(-2000);
  } catch {
    return '';
  }
}
