import type { ResourceRow, Store } from '../../store/index.ts';
import {
  type OnlineDeploymentRow,
  type OnlineDeploymentStateRow,
  type OnlineEndpointRow,
  onlineKinds,
} from '../online/online-rows.ts';

/** A row, and how often it has been changed. */
export interface Revised<Spec> {
  readonly spec: Spec;
  readonly revision: number;
}

/** What is wanted in a workspace folder. */
export interface WantedRows {
  readonly endpoints: ReadonlyMap<string, Revised<OnlineEndpointRow>>;
  /** By `<endpoint>/<deployment>`. */
  readonly deployments: ReadonlyMap<string, Revised<OnlineDeploymentRow>>;
}

/** Rows may be written while they are read; so often it is tried to see them as they were at one moment. */
const looks = 5;

/**
 * Reads what is wanted. A deployment that has traffic is among the deployments, and one that is to go has none: of two writes, one after the
 * other, the second is not seen without the first.
 */
export async function readWanted(store: Store, workspace: string): Promise<WantedRows> {
  const deployments = async () => rowsOf<OnlineDeploymentRow>(store, onlineKinds.deployment, workspace);
  // A deployment goes after its traffic: whoever reads traffic later does not see traffic to one that is gone.
  let before = await deployments();
  for (let look = 1; ; look++) {
    const endpoints = await rowsOf<OnlineEndpointRow>(store, onlineKinds.endpoint, workspace);
    const missing = [...endpoints.values()].some(({ spec }) =>
      [...Object.keys(spec.traffic), ...Object.keys(spec.mirror_traffic)].some(
        (name) => !before.has(deploymentKey(spec.name, name)),
      ),
    );
    // A deployment comes before its traffic: one that is missing has come meanwhile.
    if (!missing || look === looks) return { endpoints, deployments: before };
    before = await deployments();
  }
}

export const deploymentKey = (endpoint: string, deployment: string): string => `${endpoint}/${deployment}`;

async function rowsOf<Spec extends { readonly workspace: string }>(
  store: Store,
  kind: string,
  workspace: string,
): Promise<Map<string, Revised<Spec>>> {
  const { rows } = await store.resources.list(kind, { archived: 'all' });
  const own = rows.filter(({ spec }) => (spec as Spec).workspace === workspace);
  return new Map(own.map(({ name, spec, revision }) => [name, { spec: spec as Spec, revision }]));
}

/** States of deployments, as they were written last. */
export class StateRows {
  readonly #store: Store;
  readonly #written = new Map<string, { text: string; revision: number }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** What another process has left of a deployment. */
  async read(key: string): Promise<OnlineDeploymentStateRow | null> {
    const row = await this.#store.resources.find(onlineKinds.deploymentState, key);
    if (row === null) return null;
    this.#keep(key, row);
    return row.spec as OnlineDeploymentStateRow;
  }

  /** Writes a state if it is another one than before. @returns whether it stands there now */
  async write(key: string, state: OnlineDeploymentStateRow): Promise<boolean> {
    const { resources } = this.#store;
    const known = this.#written.get(key);
    if (known?.text === JSON.stringify(state)) return true;
    const row = known
      ? await resources.change(onlineKinds.deploymentState, key, { spec: state }, { revision: known.revision })
      : await resources.add(onlineKinds.deploymentState, key, state);
    if (row !== null) {
      this.#keep(key, row, state);
      return true;
    }
    // Somebody else has written or removed it: it is written over the next time, by who has the right to.
    this.#written.delete(key);
    await this.read(key);
    return false;
  }

  async remove(key: string): Promise<void> {
    this.#written.delete(key);
    await this.#store.resources.delete(onlineKinds.deploymentState, key);
  }

  #keep(key: string, { revision, spec }: ResourceRow, state: object = spec): void {
    this.#written.set(key, { text: JSON.stringify(state), revision });
  }
}
