import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { type InstanceMessage, type InstanceOptions, instanceProgram } from '@fovea/serving/instance';
import type { LogFile } from './log-file.ts';

/** How a process of an instance ended. */
export interface InstanceEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said kept it from starting, or broke it; null: nothing. */
  readonly reason: string | null;
}

/** A process that is an instance of a deployment. It ends with this process: its channel closes. */
export interface InstanceProcess {
  readonly pid: number | undefined;
  readonly socket: string;
  /** Aborted when it says that it answers. */
  readonly answers: AbortSignal;
  readonly ended: Promise<InstanceEnd>;
  /** Aborted when it has ended. */
  readonly over: AbortSignal;
  /** Lets it finish what has come and end; after so many milliseconds it is ended at once. */
  stop(grace: number): Promise<InstanceEnd>;
}

/** What instances, which read what strangers send, need not know. */
const secrets = ['FOVEA_DATABASE', 'FOVEA_TOKEN'];

/**
 * @param options with a socket
 * @param log has what it says
 * @throws the system's error when the log cannot be written
 */
export function startInstanceProcess(
  options: Partial<InstanceOptions> & { readonly model: string; readonly socket: string },
  log: LogFile,
): InstanceProcess {
  const file = log.open();
  const over = new AbortController();
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !secrets.includes(name)));
  try {
    const child = spawn(process.execPath, [instanceProgram, '-'], {
      // Ctrl-C is for who started this process, which ends them in good order.
      detached: true,
      stdio: ['pipe', file, file, 'ipc'],
      env: environment,
    });
    const answers = new AbortController();
    const ended = Promise.withResolvers<InstanceEnd>();
    let reason: string | null = null;
    child.on('message', (message: InstanceMessage) => {
      if (message.kind === 'ready') answers.abort();
      else reason = message.message;
    });
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      over.abort();
      ended.resolve({ code, signal, reason });
    };
    child.once('exit', (code, signal) => {
      // What it told just before its end is still to be read then.
      if (child.connected) child.once('disconnect', () => finish(code, signal));
      else finish(code, signal);
    });
    child.once('error', (error) => {
      reason ??= error.message;
      if (child.pid === undefined) finish(null, null);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(options));
    return {
      ...{ pid: child.pid, socket: options.socket, answers: answers.signal, ended: ended.promise, over: over.signal },
      stop(grace) {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), grace);
        return ended.promise.finally(() => clearTimeout(timer));
      },
    };
  } finally {
    closeSync(file);
  }
}

/** How an instance ended, for people. @param said the last of what it said */
export function describeEnd({ code, signal, reason }: InstanceEnd, said: string): string {
  if (reason !== null) return reason;
  if (signal === 'SIGKILL')
    return 'killed by signal 9; somebody did it, or the machine was out of memory: fewer instances need less';
  const how = signal === null ? `ended with exit code ${code}` : `ended by ${signal}`;
  return said === '' ? how : `${how}; it last said: ${said}`;
}
