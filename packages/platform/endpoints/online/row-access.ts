import { Refusal } from '../../refusal.ts';
import type { ResourceRow, Store } from '../../store/index.ts';
import type { KeptDeployment } from './deployment-change.ts';
import { checkOnlineName, deploymentRowName } from './online-names.ts';
import { type KeptEndpoint, keptDeployment, keptEndpoint } from './online-records.ts';
import { onlineKinds } from './online-rows.ts';

/** The rows of online endpoints, and how they are changed on the strength of what they are at that moment. */
export interface RowAccess {
  /** @throws Refusal when there is none */
  endpoint(name: string): Promise<ResourceRow>;
  /** @param change what becomes of it; null: it stays. @returns null when it is gone */
  changeEndpoint(name: string, change: (now: KeptEndpoint) => KeptEndpoint | null): Promise<ResourceRow | null>;
  deployment(endpoint: string, name: string): Promise<ResourceRow | null>;
  deploymentsOf(endpoint: string): Promise<ResourceRow[]>;
  /** What the keeper wrote of a deployment. */
  stateOf(row: Pick<ResourceRow, 'name'>): Promise<ResourceRow | null>;
  /** From now on the keeper ends a deployment, and removes its rows. @returns null when it is gone already */
  markDeleting(row: Pick<ResourceRow, 'name'>): Promise<ResourceRow | null>;
}

export function rowAccess({ resources }: Store): RowAccess {
  const kinds = onlineKinds;

  const change = async <Spec extends object>(
    kind: string,
    name: string,
    changed: (row: ResourceRow) => Spec | null,
  ): Promise<ResourceRow | null> => {
    for (;;) {
      const row = await resources.find(kind, name);
      if (!row) return null;
      const spec = changed(row);
      if (spec === null) return row;
      const written = await resources.change(kind, name, { spec }, { revision: row.revision });
      if (written) return written;
    }
  };

  return {
    async endpoint(name) {
      const row = await resources.find(kinds.endpoint, checkOnlineName(name, 'endpoint'));
      if (row) return row;
      throw new Refusal('not-found', 'EndpointNotFound', `there is no online endpoint ${name}`, { target: 'endpoint' });
    },

    changeEndpoint: (name, changed) => change(kinds.endpoint, name, (row) => changed(keptEndpoint(row))),

    deployment: (endpoint, name) =>
      resources.find(
        kinds.deployment,
        deploymentRowName(checkOnlineName(endpoint, 'endpoint'), checkOnlineName(name, 'deployment')),
      ),

    async deploymentsOf(endpoint) {
      const { rows } = await resources.list(kinds.deployment);
      return rows.filter(({ name }) => name.startsWith(`${endpoint}/`));
    },

    stateOf: ({ name }) => resources.find(kinds.deploymentState, name),

    markDeleting: ({ name }) =>
      change(kinds.deployment, name, (row): KeptDeployment | null => {
        const now = keptDeployment(row);
        return now.deleting ? null : { ...now, deleting: true, generation: now.generation + 1 };
      }),
  };
}
