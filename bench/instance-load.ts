import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type InstanceMessage, type InstanceOptions, instanceProgram } from '@fovea/serving/instance';
import { type Load, loadOn } from './load.ts';

/** An instance in a process of its own, and clients for it. */
export interface LoadedInstance extends Omit<Load, 'close'> {
  /** Seconds from starting the process to its being ready. */
  readonly startSeconds: number;
  end(): Promise<void>;
}

/** @param bodies requests to score, asked in turn */
export async function loadedInstance(
  options: { model: string } & Partial<InstanceOptions>,
  bodies: readonly string[],
): Promise<LoadedInstance> {
  const begun = performance.now();
  const { child, address } = await startedInstance(options);
  const startSeconds = (performance.now() - begun) / 1000;
  if (!('port' in address)) throw new Error(JSON.stringify(address));
  const { close, ...load } = loadOn({ ...address, path: '/score', headers: {} }, bodies);
  return {
    startSeconds,
    ...load,
    async end() {
      close();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

type Ready = Extract<InstanceMessage, { kind: 'ready' }>;

/** An instance in a process of its own, which logs no requests. */
export async function startedInstance(
  options: { model: string } & Partial<InstanceOptions>,
): Promise<{ child: ChildProcess; address: Ready['address'] }> {
  const given: typeof options = { logLevel: 'warn', requestTimeoutMs: 60_000, ...options };
  const child = spawn(process.execPath, [instanceProgram, JSON.stringify(given)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message]: InstanceMessage[] = await once(child, 'message');
  if (message.kind !== 'ready') throw new Error(JSON.stringify(message));
  return { child, address: message.address };
}
