import { availableParallelism, totalmem } from 'node:os';
import { type InstanceOptions, instanceOptions } from '@fovea/serving/instance';
import type { OnlineDeploymentRow } from '../online/online-rows.ts';

/** What matters of a deployment to the processes that are its instances: another one of these, and they are replaced. */
type Served = Pick<OnlineDeploymentRow, 'name' | 'model' | 'request_settings' | 'egress_public_network_access'>;

/** Of the machine's memory, what bodies of requests may take in all instances together. */
const bodyShare = 1 / 8;
const leastHeldBytes = 64 * 2 ** 20;
const { maxHeldBytes, maxRequestBytes } = instanceOptions({ model: '-' });

export { maxRequestBytes };

/** Two deployments of one version have the same instances. */
export const versionOf = ({ name, model, request_settings, egress_public_network_access }: Served): string =>
  JSON.stringify({ name, model, request_settings, egress_public_network_access });

/** How long an instance may need for what it has when it is told to end, in milliseconds. */
export const drainTimeoutOf = ({ request_settings }: Pick<Served, 'request_settings'>): number =>
  request_settings.request_timeout_ms + request_settings.max_queue_wait_ms + 1000;

/**
 * What an instance is started with.
 * @param folder of its model
 * @param instances that share this machine
 */
export function optionsOf(
  { name, request_settings, egress_public_network_access }: Served,
  folder: string,
  instances: number,
): Partial<InstanceOptions> & { readonly model: string } {
  const share = (totalmem() * bodyShare) / instances;
  return {
    model: folder,
    deployment: name,
    requestTimeoutMs: request_settings.request_timeout_ms,
    maxConcurrentRequestsPerInstance: request_settings.max_concurrent_requests_per_instance,
    maxQueueWaitMs: request_settings.max_queue_wait_ms,
    drainTimeoutMs: drainTimeoutOf({ request_settings }),
    threads: Math.max(1, Math.floor(availableParallelism() / instances)),
    maxHeldBytes: Math.round(Math.min(maxHeldBytes, Math.max(leastHeldBytes, share))),
    imageAddresses: egress_public_network_access === 'disabled' ? 'none' : 'public',
  };
}
