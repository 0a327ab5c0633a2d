import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const lookMilliseconds = 50;
/** Whoever has its turn for longer is not waited for. */
const longest = 60_000;

/**
 * Does something that one process of this machine is to do at a time, and waits for its turn. For what is merely better done so: when a
 * process dies in the middle of its turn, it may happen that two have the next one together.
 *
 * @param lock a file that is there while a process has its turn
 */
export function inTurn<T>(lock: string, work: () => T): T {
  const began = performance.now();
  while (!take(lock)) {
    if (isLeft(lock) || performance.now() - began > longest) rmSync(lock, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookMilliseconds);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the process that has its turn is gone. */
function isLeft(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
