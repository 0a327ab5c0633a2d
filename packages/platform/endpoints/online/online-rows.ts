// What the store keeps of online endpoints: what is wanted, written by people, and what is, written by the keeper of the endpoints.

import type { OnlineDeploymentSpec, OnlineEndpointSpec } from './online-spec.ts';

/** Kinds of resources. Names: an endpoint's; of deployments `<endpoint>/<deployment>`; of gateways the id of the workspace folder. */
export const onlineKinds = {
  endpoint: 'online-endpoint',
  deployment: 'online-deployment',
  deploymentState: 'online-deployment-state',
  gateway: 'online-gateway',
} as const;

/** An endpoint, as it is wanted. A keeper runs while there is one, with deployments or without: it has an address from the beginning. */
export interface OnlineEndpointRow extends OnlineEndpointSpec {
  /** `Place.id` of the folder whose keeper serves it. */
  readonly workspace: string;
  /** Both keys, sealed with the workspace's secret. */
  readonly keys: { readonly primary: string; readonly secondary: string };
}

/** A deployment, as it is wanted. */
export interface OnlineDeploymentRow extends OnlineDeploymentSpec {
  readonly workspace: string;
  /** The version that is served: `azureml:name:version`. */
  readonly model: string;
  /** 1, and one more with each change. */
  readonly generation: number;
  /** It is to go: its instances end, then its rows are removed. */
  readonly deleting: boolean;
}

export type ProvisioningState = 'Creating' | 'Updating' | 'Scaling' | 'Deleting' | 'Succeeded' | 'Failed' | 'Canceled';

/** A deployment, as it is. */
export interface OnlineDeploymentStateRow {
  /** Of the deployment that this speaks of: an older one means that the keeper has not seen the newest yet. */
  readonly generation: number;
  readonly provisioning_state: ProvisioningState;
  /** Why it failed, for people. */
  readonly error: string | null;
  readonly instances: readonly InstanceState[];
  /** The deployment that answers in place of the one that is wanted, until that one is ready; null: there is no such. */
  readonly serving: OnlineDeploymentRow | null;
}

export interface InstanceState {
  /** From 0; an instance that is started again keeps its number. */
  readonly number: number;
  /** Of the deployment that it was started for. */
  readonly generation: number;
  readonly state: 'starting' | 'ready' | 'unready' | 'restarting' | 'draining';
  readonly pid: number | null;
  /** How often it was started again since it last ran for a while. */
  readonly restarts: number;
  /** Of its last end, or of its probes; null when all is well. */
  readonly problem: string | null;
}

/** Where the gateway of a workspace folder answers. */
export interface GatewayRow {
  /** `http://localhost:7041`; endpoints are below it, by their names. */
  readonly url: string;
  /** `processToken` of the keeper. */
  readonly owner: string;
  /** Endpoints by which it answers, each with the revision of its row: a change is made true when the revision that it got stands here. */
  readonly endpoints: Readonly<Record<string, number>>;
}
