import type { AuthMode, DataCollectorSpec } from '../online/online-spec.ts';

/** What the keeper of the endpoints lets the gateway see: a snapshot, replaced as a whole when something changes. */
export interface ServedEndpoints {
  readonly endpoints: ReadonlyMap<string, ServedEndpoint>;
}

/** An endpoint, as the gateway needs it. */
export interface ServedEndpoint {
  readonly name: string;
  readonly authMode: AuthMode;
  /** Both keys in clear; compared in constant time. */
  readonly keys: readonly string[];
  readonly loopbackOnly: boolean;
  /** Deployments with more than 0 %, 100 in all; none: nothing is answered that names no deployment. */
  readonly traffic: readonly { readonly deployment: string; readonly percent: number }[];
  readonly mirror: { readonly deployment: string; readonly percent: number } | null;
  readonly deployments: ReadonlyMap<string, ServedDeployment>;
}

/** A deployment, as the gateway needs it. The object lives as long as the deployment: what it counts goes on from snapshot to snapshot. */
export interface ServedDeployment {
  readonly name: string;
  readonly requestTimeoutMs: number;
  readonly maxRequestBytes: number;
  readonly collector: DataCollectorSpec | null;
  /**
   * The ready instance that has the fewest requests, counted as having one more until `release` is called.
   * @param except instances that failed this request already
   * @returns null when none is ready
   */
  take(except?: ReadonlySet<InstanceLease['id']>): InstanceLease | null;
  /** Those that are there now, ready or not; for metrics. */
  instances(): readonly ServedInstance[];
  /** How often one of them was started again after it had ended; only grows. */
  restarts(): number;
}

/** An instance, as metrics tell of it. */
export interface ServedInstance {
  /** From 0; an instance that is started again keeps its number. */
  readonly number: number;
  readonly isReady: boolean;
  /** null while no process listens. */
  readonly socket: string | null;
}

/** An instance that has been given a request. */
export interface InstanceLease {
  /** Of one process; another one that takes its place has another. */
  readonly id: string;
  /** The socket that it listens at. */
  readonly socket: string;
  /** Call once. */
  release(): void;
}
