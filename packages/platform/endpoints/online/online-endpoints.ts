import type { LocateOptions } from '../../registry/index.ts';
import type { InstanceState, ProvisioningState } from './online-rows.ts';
import type { OnlineDeploymentSpec, OnlineEndpointSpec } from './online-spec.ts';

/** An endpoint, as `fovea online-endpoint show` prints it. */
export interface OnlineEndpointRecord extends OnlineEndpointSpec {
  /** `Succeeded` when requests are answered by what is stored. */
  readonly provisioning_state: ProvisioningState;
  /** null while no gateway answers. */
  readonly scoring_uri: string | null;
  readonly openapi_uri: string | null;
  readonly created_at: string;
  readonly changed_at: string;
  /** For `If-Match`-like conditions: counts changes. */
  readonly revision: number;
}

/** A deployment, as `fovea online-deployment show` prints it. */
export interface OnlineDeploymentRecord extends OnlineDeploymentSpec {
  /** The version that is served: `azureml:name:version`. */
  readonly model: string;
  readonly provisioning_state: ProvisioningState;
  readonly error: string | null;
  readonly instances: readonly InstanceState[];
  readonly created_at: string;
  readonly changed_at: string;
  readonly revision: number;
}

export type EndpointCredentials =
  | { readonly primaryKey: string; readonly secondaryKey: string }
  | {
      readonly accessToken: string;
      /** Seconds since 1970. */
      readonly expiryTimeUtc: number;
      readonly refreshAfterTimeUtc: number;
      readonly tokenType: 'Bearer';
    };

/** Online endpoints of a workspace. Whatever it stores, a keeper process makes true; `settled` waits for that. */
export interface OnlineEndpoints {
  /**
   * Stores an endpoint, in place of one of this name.
   * @param options.revision only while nobody else has changed it
   * @throws Refusal for traffic to deployments that are not there, and what the rules of traffic forbid
   */
  put(endpoint: OnlineEndpointSpec, options?: { readonly revision?: number }): Promise<OnlineEndpointRecord>;
  /** @throws Refusal when there is none */
  find(name: string): Promise<OnlineEndpointRecord>;
  /**
   * Waits until requests are answered by what is stored.
   * @returns null when it has been removed, and its deployments have ended
   * @throws Refusal when no keeper can run, what `signal` was aborted with
   */
  applied(name: string, signal?: AbortSignal): Promise<OnlineEndpointRecord | null>;
  /** Newest first. */
  list(): Promise<OnlineEndpointRecord[]>;
  /** Removes an endpoint with its deployments. @returns whether it was there */
  delete(name: string): Promise<boolean>;
  /** @throws Refusal for an endpoint of `aad_token`, whose callers show tokens of the workspace */
  credentials(name: string): Promise<EndpointCredentials>;
  /** Replaces a key: by another, or by the one that is given. */
  regenerateKey(name: string, which: 'primary' | 'secondary', value?: string): Promise<void>;

  /**
   * Stores a deployment; its model is registered where it is inline, and looked at: one that could not be loaded is refused here.
   * @param options.create fails when there is one of this name already
   */
  deploy(
    deployment: OnlineDeploymentSpec,
    where: LocateOptions,
    options?: { readonly create?: boolean; readonly revision?: number },
  ): Promise<OnlineDeploymentRecord>;
  findDeployment(endpoint: string, name: string): Promise<OnlineDeploymentRecord>;
  listDeployments(endpoint: string): Promise<OnlineDeploymentRecord[]>;
  /** @throws Refusal while it has traffic. @returns whether it was there */
  deleteDeployment(endpoint: string, name: string): Promise<boolean>;
  /**
   * Waits until a deployment is as it is wanted, or failed; one that is deleted, until it is gone.
   * @throws Refusal when no keeper can run, what `signal` was aborted with
   */
  settled(endpoint: string, name: string, signal?: AbortSignal): Promise<OnlineDeploymentRecord | null>;
  /** The last lines of what its instances said, or of what was done before they were started. */
  logs(
    endpoint: string,
    name: string,
    options?: { readonly lines?: number; readonly container?: 'inference-server' | 'storage-initializer' },
  ): Promise<string>;
}
