import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Unix takes 107 bytes at most for the path of a socket. */
const longestFolder = 90;

/** A folder for sockets that only this user may enter. */
export interface SocketFolder {
  /** A path that no other process has. */
  next(): string;
  remove(): void;
}

/** Makes it, and removes those of processes that are gone. @param of whom, as its name tells. @throws the system's error */
export function socketFolder(of: 'keeper' | 'batch' = 'keeper'): SocketFolder {
  const prefix = `fovea-${of}-`;
  const usual = tmpdir();
  const parent = Buffer.byteLength(usual) + prefix.length + 16 <= longestFolder ? usual : '/tmp';
  removeLeft(parent);
  const folder = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
  let count = 0;
  return {
    next: () => join(folder, String(count++)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function removeLeft(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = /^fovea-(?:keeper|batch)-(\d+)-\w{6}$/.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // It is another user's.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
