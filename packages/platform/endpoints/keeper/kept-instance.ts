import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import type { InstanceOptions, Permits } from '@fovea/serving/instance';
import type { InstanceLease } from '../gateway/served.ts';
import type { InstanceState } from '../online/online-rows.ts';
import type { ProbeSpec } from '../online/online-spec.ts';
import { askHealth, type HealthPath } from './ask-health.ts';
import { backOff, ranWell } from './back-off.ts';
import { describeEnd, type InstanceProcess, startInstanceProcess } from './instance-process.ts';
import type { LogFile } from './log-file.ts';
import { pause } from './pause.ts';
import { afterProbe, firstProbe, probeBy, probeEarly } from './probe.ts';

export interface KeptInstanceParts {
  readonly number: number;
  /** Of the deployment that it is started for. */
  readonly generation: number;
  readonly log: LogFile;
  /** A path for a socket that no other process has. */
  readonly newSocket: () => string;
  /** What a process is started with. */
  readonly options: () => Partial<InstanceOptions> & { readonly model: string };
  /** As they are now: they may change while it runs. */
  readonly probes: () => { readonly liveness: ProbeSpec; readonly readiness: ProbeSpec };
  /** For requests that it has when it is told to end, in milliseconds. */
  readonly drainTimeout: () => number;
  /** So many start at once. */
  readonly starting: Permits;
  /** For the log of the keeper. */
  readonly say: (line: string) => void;
  /** It is started again. */
  readonly onRestart: () => void;
  /** Something of its state changed. */
  readonly onChange: () => void;
}

/** For so long the start of an instance may keep others from starting. */
const startMilliseconds = 30_000;
/** One that does not answer does not finish anything either. In milliseconds. */
const hungGrace = 2000;
/** What an instance needs to end, beside its requests. In milliseconds. */
const endGrace = 5000;

/**
 * One instance of a deployment: a process, and another one whenever that ends, until it is drained. Only while its readiness probe passes does
 * it get requests; when its liveness probe fails, it is started again.
 */
export class KeptInstance {
  readonly number: number;
  readonly #parts: KeptInstanceParts;
  #state: InstanceState['state'] = 'starting';
  #process: InstanceProcess | null = null;
  #problem: string | null = null;
  #restarts = 0;
  #failedStarts = 0;
  #requests = 0;
  #idle = () => {};
  readonly #leaving = new AbortController();
  /** Aborted when probes have other rules. */
  #rules = new AbortController();
  readonly #life: Promise<void>;

  constructor(parts: KeptInstanceParts) {
    this.#parts = parts;
    this.number = parts.number;
    this.#life = this.#live();
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Starts one after the other that came to nothing. */
  get failedStarts(): number {
    return this.#failedStarts;
  }

  get problem(): string | null {
    return this.#problem;
  }

  /** Where it listens; null while no process does. */
  get socket(): string | null {
    return this.#process?.answers.aborted ? this.#process.socket : null;
  }

  /** Requests that it has. */
  get requests(): number {
    return this.#requests;
  }

  /** @returns null when it takes none, or is one of those that are not wanted */
  take(except: ReadonlySet<string>): InstanceLease | null {
    const process = this.#process;
    if (!this.isReady || process === null || except.has(process.socket)) return null;
    this.#requests++;
    let held = true;
    return {
      id: process.socket,
      socket: process.socket,
      release: () => {
        if (!held) return;
        held = false;
        this.#requests--;
        if (this.#requests === 0) this.#idle();
      },
    };
  }

  /** Its probes may have other rules now. */
  probeAnew(): void {
    this.#rules.abort();
    this.#rules = new AbortController();
  }

  row(): InstanceState {
    const { number, generation } = this.#parts;
    const [state, problem, restarts] = [this.#state, this.#problem, this.#restarts];
    return { number, generation, state, pid: this.#process?.pid ?? null, restarts, problem };
  }

  /** Gives it no more requests, waits until it has answered those that it has, and ends it. */
  async drain(): Promise<void> {
    if (!this.#leaving.signal.aborted) {
      this.#become('draining');
      this.#leaving.abort();
      const process = this.#process;
      if (process !== null) {
        const drainTimeout = this.#parts.drainTimeout();
        // Those that were about to be sent to it still find it.
        const idle = new Promise<void>((resolve) => {
          this.#idle = resolve;
          if (this.#requests === 0) resolve();
        });
        await Promise.race([idle, pause(drainTimeout, process.over)]);
        await process.stop(drainTimeout + endGrace);
      }
    }
    await this.#life;
  }

  #become(state: InstanceState['state'], problem: string | null = this.#problem): void {
    if (this.#leaving.signal.aborted) return;
    if (state === this.#state && problem === this.#problem) return;
    this.#state = state;
    this.#problem = problem;
    this.#parts.onChange();
  }

  async #live(): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      const problem = await this.#run(signal).catch((error: Error) => {
        this.#failedStarts++;
        return error.message;
      });
      this.#become('restarting', problem);
      if (!signal.aborted) this.#parts.say(`instance ${this.number}: ${problem}`);
      await pause(backOff(this.#restarts), signal);
      if (signal.aborted) return;
      this.#restarts++;
      this.#parts.onRestart();
    }
  }

  /** The life of one process. @returns how it ended */
  async #run(signal: AbortSignal): Promise<string> {
    const { starting, log, newSocket, options } = this.#parts;
    const life: Life = await starting.hold(signal, async () => {
      const process = startInstanceProcess({ ...options(), socket: newSocket() }, log);
      this.#process = process;
      this.#become('starting');
      const begun = { process, readySince: null, hung: null };
      this.#probe(begun, 'liveness');
      this.#probe(begun, 'readiness');
      await pause(startMilliseconds, process.answers, process.over);
      return begun;
    });
    const end = await life.process.ended;
    this.#process = null;
    rmSync(life.process.socket, { force: true });
    if (life.readySince === null) this.#failedStarts++;
    else if (performance.now() - life.readySince >= ranWell) this.#restarts = 0;
    return life.hung ?? describeEnd(end, lastLine(log.path));
  }

  async #probe(life: Life, kind: 'liveness' | 'readiness'): Promise<void> {
    const { process } = life;
    const isLiveness = kind === 'liveness';
    const path: HealthPath = isLiveness ? '/health/live' : '/health/ready';
    let state = firstProbe(this.#parts.probes()[kind], isLiveness, performance.now());
    for (;;) {
      const early = !process.answers.aborted;
      const rules = this.#rules.signal;
      await pause(state.due - performance.now(), process.over, rules, ...(early ? [process.answers] : []));
      if (process.over.aborted || life.hung !== null) return;
      if (early && process.answers.aborted) state = probeEarly(state, performance.now());
      if (rules.aborted) state = probeBy(this.#parts.probes()[kind], state, performance.now());
      if (performance.now() < state.due) continue;
      const spec = this.#parts.probes()[kind];
      const asked = performance.now();
      const problem = await askHealth(process.socket, path, spec.timeout * 1000);
      if (process.over.aborted || life.hung !== null) return;
      state = afterProbe(spec, state, problem === null, asked);
      if (!isLiveness) this.#heard(life, state.passing, problem);
      else if (!state.passing) {
        life.hung = `its liveness probe failed ${times(spec.failure_threshold)}: ${problem}`;
        this.#become('unready', life.hung);
        process.stop(hungGrace);
        return;
      }
    }
  }

  /** Its readiness probe has an answer. */
  #heard(life: Life, passing: boolean, problem: string | null): void {
    if (passing && life.readySince === null) {
      life.readySince = performance.now();
      this.#failedStarts = 0;
      this.#parts.say(`instance ${this.number} is ready (process ${life.process.pid})`);
    }
    if (passing) this.#become('ready', problem);
    else this.#become(life.readySince === null ? 'starting' : 'unready', problem);
  }
}

/** A process of an instance, and what its probes say of it. */
interface Life {
  readonly process: InstanceProcess;
  /** When it was ready first. */
  readySince: number | null;
  /** Why it is ended; null: it is not. */
  hung: string | null;
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`);

const tailBytes = 4096;

/** The last line of a log, shortened. */
function lastLine(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trimEnd().split('\n').at(-1)?.slice(-500) ?? '';
  } finally {
    closeSync(file);
  }
}
