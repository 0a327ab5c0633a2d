import { isGone, type ResourceRow, type Store } from '../../store/index.ts';
import { type KeptDeployment, provisioningState } from './deployment-change.ts';
import type { OnlineDeploymentRecord, OnlineEndpointRecord } from './online-endpoints.ts';
import { type GatewayRow, type OnlineDeploymentStateRow, type OnlineEndpointRow, onlineKinds } from './online-rows.ts';
import type { OnlineDeploymentSpec, OnlineEndpointSpec } from './online-spec.ts';

/** An endpoint's row as it is kept: the deployments that may be given traffic, besides. */
export interface KeptEndpoint extends OnlineEndpointRow {
  /** Their names. Whatever adds or takes one, or gives traffic, changes this one row: none of it is done on the strength of what is past. */
  readonly deployments: readonly string[];
}

export const keptEndpoint = (row: ResourceRow): KeptEndpoint => ({
  deployments: [],
  ...(row.spec as OnlineEndpointRow),
});
export const keptDeployment = (row: ResourceRow): KeptDeployment => row.spec as KeptDeployment;

/** What is known of the gateway of a workspace folder. */
export interface KnownGateway {
  /** null while it does not answer. */
  readonly url: string | null;
  readonly endpoints: GatewayRow['endpoints'];
}

export async function knownGateway(store: Store, workspace: string): Promise<KnownGateway> {
  const row = await store.resources.find(onlineKinds.gateway, workspace);
  if (!row) return { url: null, endpoints: {} };
  const { url, owner, endpoints } = row.spec as GatewayRow;
  return { url: isGone(owner) ? null : url, endpoints };
}

export function endpointRecord(row: ResourceRow, { url, endpoints }: KnownGateway): OnlineEndpointRecord {
  const { workspace: _, keys: __, deployments: ___, ...spec } = keptEndpoint(row);
  const below = url === null ? null : `${url.replace(/\/+$/, '')}/${spec.name}`;
  const seen = Object.hasOwn(endpoints, spec.name) ? endpoints[spec.name] : null;
  const isApplied = below !== null && seen === row.revision;
  return {
    ...spec,
    provisioning_state: isApplied ? 'Succeeded' : seen === null ? 'Creating' : 'Updating',
    scoring_uri: below && `${below}/score`,
    openapi_uri: below && `${below}/swagger.json`,
    ...{ created_at: row.created_at, changed_at: row.changed_at, revision: row.revision },
  };
}

/** @param stateRow what the keeper wrote of it; null: nothing yet */
export function deploymentRecord(row: ResourceRow, stateRow: ResourceRow | null): OnlineDeploymentRecord {
  const kept = keptDeployment(row);
  const { workspace: _, generation, deleting, change: __, ...spec } = kept;
  const state = (stateRow?.spec ?? null) as OnlineDeploymentStateRow | null;
  const isCurrent = state !== null && state.generation >= generation && !deleting;
  return {
    ...spec,
    provisioning_state: provisioningState(kept, state),
    error: isCurrent ? state.error : null,
    instances: state?.instances ?? [],
    ...{ created_at: row.created_at, changed_at: row.changed_at, revision: row.revision },
  };
}

/** What is wanted of an endpoint, of a record or of more than a record. */
export function endpointSpec(endpoint: OnlineEndpointSpec): OnlineEndpointSpec {
  const { name, description, tags, properties, auth_mode, identity } = endpoint;
  const { traffic, mirror_traffic, public_network_access } = endpoint;
  return {
    ...{ name, description, tags, properties, auth_mode, identity },
    ...{ traffic, mirror_traffic, public_network_access },
  };
}

/** What is wanted of a deployment, of a record or of more than a record. */
export function deploymentSpec(deployment: OnlineDeploymentSpec): OnlineDeploymentSpec {
  const { name, endpoint_name, description, tags, properties, model, model_mount_path, environment } = deployment;
  const { environment_variables, instance_type, instance_count, app_insights_enabled, scale_settings } = deployment;
  const { request_settings, liveness_probe, readiness_probe, data_collector } = deployment;
  const { egress_public_network_access } = deployment;
  return {
    ...{ name, endpoint_name, description, tags, properties, model, model_mount_path, environment },
    ...{ environment_variables, instance_type, instance_count, app_insights_enabled, scale_settings },
    ...{ request_settings, liveness_probe, readiness_probe, data_collector, egress_public_network_access },
  };
}
