import { setTimeout as wait } from 'node:timers/promises';
import type { Permits } from '@fovea/serving/instance';
import type { InstanceLease, ServedInstance } from '../gateway/served.ts';
import type { InstanceState, OnlineDeploymentRow } from '../online/online-rows.ts';
import { backOff } from './back-off.ts';
import { drainTimeoutOf, optionsOf, versionOf } from './instance-options.ts';
import { KeptInstance } from './kept-instance.ts';
import type { LogFile } from './log-file.ts';

export interface GroupParts {
  /** The folder of the model. @throws Error that says why there is none */
  readonly modelFolder: (row: OnlineDeploymentRow) => Promise<string>;
  readonly logOf: (instance: number) => LogFile;
  readonly newSocket: () => string;
  /** How many share this machine. */
  readonly instances: () => number;
  readonly starting: Permits;
  /** For the log of the keeper. */
  readonly say: (line: string) => void;
  /** An instance is started again. */
  readonly onRestart: () => void;
  readonly onChange: () => void;
}

/** Starts of an instance that may come to nothing, one after the other, before it is taken for something that does not go away. */
const tries = 3;

/** The instances of one version of a deployment. */
export class InstanceGroup {
  readonly version: string;
  /** It has run before: when it does not come up, the fault is elsewhere, and it is tried for ever. */
  readonly proven: boolean;
  readonly #parts: GroupParts;
  #row: OnlineDeploymentRow;
  #folder: string | null = null;
  #problem: string | null = null;
  #members: KeptInstance[] = [];
  readonly #surplus = new Set<KeptInstance>();
  readonly #leaving = new AbortController();
  #turn = 0;

  constructor(parts: GroupParts, row: OnlineDeploymentRow, proven: boolean) {
    this.#parts = parts;
    this.#row = row;
    this.proven = proven;
    this.version = versionOf(row);
    this.#prepare();
  }

  /** The newest deployment whose instances these are. */
  get row(): OnlineDeploymentRow {
    return this.#row;
  }

  get count(): number {
    return this.#row.instance_count;
  }

  get ready(): number {
    return this.#members.filter((member) => member.isReady).length;
  }

  get isComplete(): boolean {
    return this.#members.length === this.count && this.ready === this.count;
  }

  /** Why it does not come up; null: it does, or it is not known yet. */
  get failure(): string | null {
    const failed = this.#members.find((member) => member.failedStarts >= tries);
    return this.#problem ?? failed?.problem ?? null;
  }

  /** @param row of the same version */
  want(row: OnlineDeploymentRow): void {
    this.#row = row;
    for (const member of this.#members) member.probeAnew();
    if (this.#folder !== null) this.#resize(this.#folder);
  }

  /** The one with the fewest requests. */
  take(except: ReadonlySet<string>): InstanceLease | null {
    const { length } = this.#members;
    const first = this.#turn++ % Math.max(1, length);
    const turned = [...this.#members.slice(first), ...this.#members.slice(0, first)];
    for (const member of turned.sort((a, b) => a.requests - b.requests)) {
      const lease = member.take(except);
      if (lease !== null) return lease;
    }
    return null;
  }

  /** Those that are wanted, ready or not. */
  members(): ServedInstance[] {
    return this.#members.map(({ number, isReady, socket }) => ({ number, isReady, socket }));
  }

  rows(): InstanceState[] {
    return [...this.#members, ...this.#surplus].map((member) => member.row());
  }

  /** Ends them all when they have answered what they have. */
  async drain(): Promise<void> {
    this.#leaving.abort();
    await Promise.all([...this.#members, ...this.#surplus].map((member) => member.drain()));
  }

  async #prepare(): Promise<void> {
    const { signal } = this.#leaving;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const folder = await this.#parts.modelFolder(this.#row);
        if (signal.aborted) return;
        this.#folder = folder;
        this.#problem = null;
        this.#resize(folder);
        return;
      } catch (error) {
        this.#problem = (error as Error).message;
        this.#parts.onChange();
        if (!this.proven) return;
        await wait(backOff(failures), undefined, { signal }).catch(() => {});
      }
    }
  }

  #resize(folder: string): void {
    while (this.#members.length < this.count) {
      const taken = new Set(this.#members.map(({ number }) => number));
      let number = 0;
      while (taken.has(number)) number++;
      this.#members.push(this.#start(number, folder));
    }
    // Those that answer stay, if there are others.
    const byUse = this.#members.toSorted((a, b) => Number(b.isReady) - Number(a.isReady) || a.number - b.number);
    const surplus = byUse.slice(this.count);
    this.#members = this.#members.filter((member) => !surplus.includes(member));
    for (const member of surplus) {
      this.#surplus.add(member);
      member.drain().then(() => {
        this.#surplus.delete(member);
        this.#parts.onChange();
      });
    }
    this.#parts.onChange();
  }

  #start(number: number, folder: string): KeptInstance {
    const { logOf, newSocket, starting, say, onChange, onRestart, instances } = this.#parts;
    return new KeptInstance({
      ...{
        number,
        generation: this.#row.generation,
        log: logOf(number),
        newSocket,
        starting,
        say,
        onChange,
        onRestart,
      },
      options: () => optionsOf(this.#row, folder, instances()),
      probes: () => ({ liveness: this.#row.liveness_probe, readiness: this.#row.readiness_probe }),
      drainTimeout: () => drainTimeoutOf(this.#row),
    });
  }
}
