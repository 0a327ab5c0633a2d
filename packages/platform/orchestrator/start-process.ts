import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface StartOptions {
  script: URL;
  args: readonly string[];
  /** Of the workspace; it is where the process stands, so that it is in the way of no other folder. */
  folder: string;
  /** What it writes to stdout and stderr goes to the end of this file, which is begun anew when it is long. */
  log: string;
  environment: Record<string, string | undefined>;
  /** Whether it reads its standard input: it is told something later, and sees when this process ends. */
  listens?: boolean;
}

/** A log that is longer is put aside when a process begins. */
export const mostLogBytes = 10_000_000;

/** Puts a long log aside as `<log>.1`, over the one that was put aside before. What still writes to it goes on there. */
function turnOver(log: string): void {
  const bytes = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes <= mostLogBytes) return;
  try {
    renameSync(log, `${log}.1`);
  } catch (error) {
    // Another process was sooner.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A process that goes on when the one that started it ends, and has no terminal. */
export interface StartedProcess {
  readonly pid: number | undefined;
  /** How it ended; null while it runs. */
  ended(): ProcessEnd | null;
  /** Says all that there is to say to one that listens. */
  tell(text: string): void;
}

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The kernel ended processes for want of memory while it ran. */
  memoryWasShort: boolean;
}

/**
 * @param onEnd called when it ends while this process is there
 * @throws the system's error when the log cannot be written
 */
export function startProcess(
  { script, args, folder, log, environment, listens = false }: StartOptions,
  onEnd = () => {},
): StartedProcess {
  makeFolder(dirname(log));
  turnOver(log);
  const file = openSync(log, 'a');
  const memoryKills = countMemoryKills();
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [fileURLToPath(script), ...args], {
      detached: true,
      cwd: folder,
      stdio: [listens ? 'pipe' : 'ignore', file, file],
      // What a process has compiled, the next one need not: that is half of the time that the engine takes to load.
      env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...process.env, ...environment },
    });
  } finally {
    closeSync(file);
  }
  let end: ProcessEnd | null = null;
  const finish = (code: number | null, signal: NodeJS.Signals | null) => {
    end ??= { code, signal, memoryWasShort: countMemoryKills() > memoryKills };
    onEnd();
  };
  child.on('exit', finish);
  child.on('error', () => finish(null, null));
  // That it does not listen any more is seen by its end.
  child.stdin?.on('error', () => {});
  child.unref();
  return { pid: child.pid, ended: () => end, tell: (text) => child.stdin?.end(text) };
}

/** @throws the system's error, with the path; on a read-only file system, `mkdirSync` with `recursive` says that there is no such folder */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** How many processes the kernel has ended for want of memory since it began. */
function countMemoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
