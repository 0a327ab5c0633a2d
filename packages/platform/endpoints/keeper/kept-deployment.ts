import { rmSync } from 'node:fs';
import type { Permits } from '@fovea/serving/instance';
import type { Place } from '../../place.ts';
import type { Store } from '../../store/index.ts';
import type { InstanceLease, ServedDeployment, ServedInstance } from '../gateway/served.ts';
import type { OnlineDeploymentRow, OnlineDeploymentStateRow, ProvisioningState } from '../online/online-rows.ts';
import type { DataCollectorSpec } from '../online/online-spec.ts';
import { type GroupParts, InstanceGroup } from './instance-group.ts';
import { maxRequestBytes, versionOf } from './instance-options.ts';
import { LogFile } from './log-file.ts';
import { modelFiles } from './model-files.ts';
import { deploymentFolderOf, inferenceServerLogOf, storageInitializerLogOf } from './paths.ts';

export interface DeploymentParts extends Pick<GroupParts, 'newSocket' | 'instances' | 'say'> {
  readonly place: Place;
  readonly store: Store;
  readonly starting: Permits;
  readonly onChange: () => void;
}

/**
 * Makes one deployment what it is wanted to be. What changes its processes brings up others first; when these are ready, they take the requests
 * and the old ones end. When they do not come up, the old ones stay.
 */
export class KeptDeployment implements ServedDeployment {
  readonly name: string;
  readonly endpoint: string;
  readonly maxRequestBytes = maxRequestBytes;
  readonly #parts: DeploymentParts;
  readonly #logs = new Map<number, LogFile>();
  readonly #initializerLog: LogFile;
  #row: OnlineDeploymentRow;
  /** Those that have the requests. */
  #current: InstanceGroup | null = null;
  /** Those that come up to take their place. */
  #next: InstanceGroup | null = null;
  #restarts = 0;
  readonly #draining = new Set<InstanceGroup>();
  #provisioning: ProvisioningState;
  #error: string | null;

  /** @param before what was known of it when another keeper had it */
  constructor(parts: DeploymentParts, row: OnlineDeploymentRow, before: OnlineDeploymentStateRow | null) {
    this.#parts = parts;
    this.#row = row;
    this.name = row.name;
    this.endpoint = row.endpoint_name;
    this.#initializerLog = new LogFile(storageInitializerLogOf(parts.place, this.#names));
    const isSame = before?.generation === row.generation;
    this.#provisioning = isSame ? before.provisioning_state : before ? 'Updating' : 'Creating';
    this.#error = isSame ? before.error : null;
    if (row.deleting) {
      this.#provisioning = 'Deleting';
      return;
    }
    if (before?.serving && versionOf(before.serving) !== versionOf(row)) {
      this.#current = this.#bringUp(before.serving, true);
    }
    this.#next = this.#bringUp(row, isSame && before.provisioning_state === 'Succeeded');
  }

  get row(): OnlineDeploymentRow {
    return this.#row;
  }

  get requestTimeoutMs(): number {
    return (
      (this.#current ?? this.#next)?.row.request_settings.request_timeout_ms ??
      this.#row.request_settings.request_timeout_ms
    );
  }

  get collector(): DataCollectorSpec | null {
    return this.#row.data_collector;
  }

  /** It was to go, and all of its processes have. */
  get isGone(): boolean {
    return this.#row.deleting && this.#current === null && this.#next === null && this.#draining.size === 0;
  }

  take(except: ReadonlySet<string> = new Set()): InstanceLease | null {
    return this.#current?.take(except) ?? this.#next?.take(except) ?? null;
  }

  instances(): ServedInstance[] {
    return (this.#current ?? this.#next)?.members() ?? [];
  }

  restarts(): number {
    return this.#restarts;
  }

  /** What is wanted has changed. */
  want(row: OnlineDeploymentRow): void {
    const before = this.#row;
    this.#row = row;
    if (row.deleting) {
      this.#provisioning = 'Deleting';
      this.#end();
      return;
    }
    const version = versionOf(row);
    if (row.generation === before.generation) {
      // What is said of it has changed, and nothing else.
      for (const group of [this.#current, this.#next]) if (group?.version === version) group.want(row);
      return;
    }
    this.#error = null;
    const onlyScaled = version === versionOf(before) && before.instance_count !== row.instance_count;
    this.#provisioning = onlyScaled ? 'Scaling' : 'Updating';
    if (this.#current?.version === version) {
      const dropped = this.#next;
      this.#next = null;
      this.#current.want(row);
      this.#leave(dropped);
    } else if (this.#next?.version === version) {
      this.#next.want(row);
    } else {
      const dropped = this.#next;
      this.#next = this.#bringUp(row, false);
      this.#leave(dropped);
    }
    this.#settle();
  }

  /** Ends all of its processes, when they have answered what they have. */
  async drain(): Promise<void> {
    this.#end();
    await Promise.all([...this.#draining].map((group) => group.drain()));
  }

  state(): OnlineDeploymentStateRow {
    const groups = [this.#current, this.#next, ...this.#draining].filter((group) => group !== null);
    const isOther = this.#current !== null && this.#current.version !== versionOf(this.#row);
    return {
      generation: this.#row.generation,
      provisioning_state: this.#provisioning,
      error: this.#error,
      instances: groups.flatMap((group) => group.rows()),
      serving: isOther ? (this.#current?.row ?? null) : null,
    };
  }

  rotateLogs(): void {
    for (const log of [...this.#logs.values(), this.#initializerLog]) log.rotate();
  }

  removeFiles(): void {
    rmSync(deploymentFolderOf(this.#parts.place, this.#names), { recursive: true, force: true });
  }

  get #names() {
    return { endpoint: this.endpoint, deployment: this.name };
  }

  #bringUp(row: OnlineDeploymentRow, proven: boolean): InstanceGroup {
    const { place, store, newSocket, instances, starting, say } = this.#parts;
    const parts: GroupParts = {
      ...{ newSocket, instances, starting, say, onChange: () => this.#settle() },
      onRestart: () => {
        this.#restarts++;
      },
      logOf: (number) => this.#logOf(number),
      modelFolder: (wanted) =>
        modelFiles(place, store, wanted, (line) => this.#initializerLog.say(line)).catch((error: Error) => {
          this.#initializerLog.say(error.message);
          throw error;
        }),
    };
    return new InstanceGroup(parts, row, proven);
  }

  #logOf(number: number): LogFile {
    const known = this.#logs.get(number);
    if (known) return known;
    const log = new LogFile(inferenceServerLogOf(this.#parts.place, this.#names, number));
    this.#logs.set(number, log);
    return log;
  }

  /** Looks what has come of what was wanted. */
  #settle(): void {
    const next = this.#next;
    const { onChange, say } = this.#parts;
    const before = this.#provisioning;
    if (next?.isComplete) {
      const old = this.#current;
      this.#current = next;
      this.#next = null;
      this.#provisioning = 'Succeeded';
      this.#error = null;
      this.#leave(old);
    } else if (next !== null && next.failure !== null) {
      this.#provisioning = 'Failed';
      this.#error = this.#current
        ? `what was changed does not come up, and what was there before goes on serving: ${next.failure}`
        : next.failure;
      this.#next = null;
      // Some of them may answer, or may do so again.
      if (this.#current === null && (next.ready > 0 || next.proven)) this.#current = next;
      else this.#leave(next);
    } else if (next === null && this.#current !== null && this.#current.version === versionOf(this.#row)) {
      const { isComplete, failure } = this.#current;
      if (isComplete) {
        this.#provisioning = 'Succeeded';
        this.#error = null;
      } else if (failure !== null && this.#provisioning !== 'Succeeded') {
        this.#provisioning = 'Failed';
        this.#error = failure;
      }
    }
    if (this.#provisioning !== before) say(`${this.#provisioning}${this.#error === null ? '' : `: ${this.#error}`}`);
    onChange();
  }

  #end(): void {
    const groups = [this.#current, this.#next];
    this.#current = null;
    this.#next = null;
    for (const group of groups) this.#leave(group);
    this.#parts.onChange();
  }

  #leave(group: InstanceGroup | null): void {
    if (group === null) return;
    this.#draining.add(group);
    group.drain().then(() => {
      this.#draining.delete(group);
      this.#parts.onChange();
    });
  }
}
