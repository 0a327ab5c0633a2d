import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type InstanceMessage, type InstanceOptions, instanceProgram } from '@fovea/serving/instance';

export interface InstanceStart {
  readonly options: { readonly model: string; readonly socket: string } & Partial<InstanceOptions>;
  readonly environment: Record<string, string>;
  /** What it says goes to the end of this file. */
  readonly log: string;
}

/** The model cannot be started, and will not be another time. */
export class ModelNotStarted extends Error {
  override readonly name = 'ModelNotStarted';
}

const endMilliseconds = 1000;

/** A process that scores pictures. It ends with this one. */
export class InstanceProcess {
  readonly #child: ChildProcess;
  readonly socket: string;
  /** How it ended, in words. */
  readonly ended: Promise<string>;

  private constructor(child: ChildProcess, socket: string, ended: Promise<string>) {
    this.#child = child;
    this.socket = socket;
    this.ended = ended;
  }

  /**
   * @param signal kills one that is not ready yet
   * @throws ModelNotStarted in the words of the instance
   * @throws Error when it died before it was ready
   */
  static async start({ options, environment, log }: InstanceStart, signal: AbortSignal): Promise<InstanceProcess> {
    const file = openSync(log, 'a');
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [instanceProgram, JSON.stringify(options)], {
        stdio: ['ignore', file, file, 'ipc'],
        env: { ...process.env, ...environment },
      });
    } finally {
      closeSync(file);
    }
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    child.on('exit', (code, signal) =>
      end(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`),
    );
    child.on('error', (error) => end(`could not be started: ${error.message}`));
    const told = new Promise<InstanceMessage>((resolve) => child.once('message', resolve));
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
    const first = await Promise.race([told, ended]);
    signal.removeEventListener('abort', kill);
    if (typeof first === 'string') throw new Error(`an instance ${first} before it was ready; its log is ${log}`);
    if (first.kind === 'failed') {
      await ended;
      throw new ModelNotStarted(first.message);
    }
    return new InstanceProcess(child, options.socket, ended);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Lets it write the last lines of its log. For one that has no request. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMilliseconds);
    await this.ended;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
