import { availableParallelism } from 'node:os';
import { Permits } from '@fovea/serving/instance';
import type { Place } from '../../place.ts';
import type { Store } from '../../store/index.ts';
import type { ServedDeployment, ServedEndpoint, ServedEndpoints } from '../gateway/served.ts';
import { onlineKinds } from '../online/online-rows.ts';
import { readWanted, StateRows, type WantedRows } from './endpoint-rows.ts';
import { KeptDeployment } from './kept-deployment.ts';
import { servedEndpoint } from './served-endpoints.ts';

export interface KeeperParts {
  readonly place: Place;
  readonly store: Store;
  readonly newSocket: () => string;
  /** There is something to be written. */
  readonly onChange: () => void;
  readonly say: (line: string) => void;
}

interface Kept {
  readonly deployment: KeptDeployment;
  /** Of the row that it knows. */
  revision: number;
}

/** Makes deployments what their rows say, and lets the gateway see them. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #states: StateRows;
  /** By `<endpoint>/<deployment>`. */
  readonly #deployments = new Map<string, Kept>();
  /** So many instances start at once: those that answer need the machine, too. */
  readonly #starting = new Permits(Math.max(2, availableParallelism()));
  #served: ServedEndpoints = { endpoints: new Map() };
  #revisions: Readonly<Record<string, number>> = {};
  /** Revisions of what `served` was made of. */
  #seen = '';

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#states = new StateRows(parts.store);
  }

  /** What the gateway answers with now. */
  get served(): ServedEndpoints {
    return this.#served;
  }

  /** Revisions of the endpoints that the gateway answers by. */
  get revisions(): Readonly<Record<string, number>> {
    return this.#revisions;
  }

  /**
   * Looks at what is wanted, begins what is to be done, and writes what has been.
   * @returns whether there are deployments
   */
  async look(): Promise<boolean> {
    const wanted = await readWanted(this.#parts.store, this.#parts.place.id);
    await this.#begin(wanted);
    this.#serve(wanted);
    this.#tell(wanted);
    for (const [key, { deployment }] of this.#deployments) {
      if (deployment.isGone) await this.#forget(key, deployment);
      else await this.#states.write(key, deployment.state());
    }
    return this.#deployments.size > 0;
  }

  rotateLogs(): void {
    for (const { deployment } of this.#deployments.values()) deployment.rotateLogs();
  }

  /** Says of all deployments that nobody serves them: what they are to be stays. */
  async putDown(): Promise<void> {
    for (const [key, { deployment }] of this.#deployments) {
      await this.#states.write(key, { ...deployment.state(), instances: [] });
    }
  }

  /** Ends all instances when they have answered what they have. */
  async drain(): Promise<void> {
    await Promise.all([...this.#deployments.values()].map(({ deployment }) => deployment.drain()));
  }

  /** Deployments that are new. */
  async #begin({ deployments }: WantedRows): Promise<void> {
    const { place, store, newSocket, onChange, say } = this.#parts;
    for (const [key, { spec, revision }] of deployments) {
      if (this.#deployments.has(key)) continue;
      const before = await this.#states.read(key);
      const parts = {
        ...{ place, store, newSocket, onChange, starting: this.#starting, instances: () => this.#instances() },
        say: (line: string) => say(`${key}: ${line}`),
      };
      try {
        this.#deployments.set(key, { deployment: new KeptDeployment(parts, spec, before), revision });
        say(`${key}: taken`);
      } catch (error) {
        // A row that no release wrote keeps nobody from serving the others.
        const { generation } = spec;
        const failed = { generation, provisioning_state: 'Failed', instances: [], serving: null } as const;
        await this.#states.write(key, { ...failed, error: (error as Error).message });
      }
    }
  }

  /** Lets the gateway see what is wanted. Whatever is to go loses its traffic before it learns of it. */
  #serve({ endpoints, deployments }: WantedRows): void {
    const seen = [...endpoints, ...deployments].map(([key, { revision }]) => `${key} ${revision}`).join('\n');
    if (seen === this.#seen) return;
    this.#seen = seen;
    const served = [...endpoints].map(([name, { spec }]): [string, ServedEndpoint] => {
      const own = new Map<string, ServedDeployment>();
      for (const [key, row] of deployments) {
        const kept = this.#deployments.get(key);
        if (kept && row.spec.endpoint_name === name && !row.spec.deleting) own.set(row.spec.name, kept.deployment);
      }
      return [name, servedEndpoint(this.#parts.place, spec, own, this.#parts.say)];
    });
    this.#served = { endpoints: new Map(served) };
    this.#revisions = Object.fromEntries([...endpoints].map(([name, { revision }]) => [name, revision]));
  }

  /** Tells deployments what they are to be. */
  #tell({ deployments }: WantedRows): void {
    for (const [key, kept] of this.#deployments) {
      const row = deployments.get(key);
      const { deployment } = kept;
      if (row === undefined) {
        if (!deployment.row.deleting) deployment.want({ ...deployment.row, deleting: true });
      } else if (row.revision !== kept.revision) {
        kept.revision = row.revision;
        deployment.want(row.spec);
      }
    }
  }

  /** Removes what is left of a deployment that has ended. */
  async #forget(key: string, deployment: KeptDeployment): Promise<void> {
    const { store, say } = this.#parts;
    const row = await store.resources.find(onlineKinds.deployment, key);
    if (row !== null && !(row.spec as { deleting: boolean }).deleting) return;
    deployment.removeFiles();
    await this.#states.remove(key);
    if (row !== null) await store.resources.delete(onlineKinds.deployment, key, { revision: row.revision });
    this.#deployments.delete(key);
    say(`${key}: removed`);
  }

  /** How many share this machine. */
  #instances(): number {
    const rows = [...this.#deployments.values()].map(({ deployment }) => deployment.row);
    const wanted = rows.map(({ deleting, instance_count }) => (deleting ? 0 : instance_count));
    return Math.max(
      1,
      wanted.reduce((sum, count) => sum + count, 0),
    );
  }
}
