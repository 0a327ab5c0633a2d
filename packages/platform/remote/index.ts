export { type OpenRemoteBatchEndpoints, openRemoteBatchEndpoints } from './remote-batch-endpoints.ts';
export { type OpenRemoteOnlineEndpoints, openRemoteOnlineEndpoints } from './remote-online-endpoints.ts';
export { type OpenRemoteRegistry, openRemoteRegistry } from './remote-registry.ts';
export { type OpenRemoteWorkspace, openRemoteWorkspace } from './remote-workspace.ts';
export type { SendOptions } from './send-files.ts';
export type { ServerAddress } from './server-address.ts';
export { ServerUnreachable } from './unreachable.ts';
