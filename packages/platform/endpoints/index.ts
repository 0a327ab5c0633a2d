// Endpoints of a workspace and their deployments.
export {
  type EndpointKeys,
  type EndpointToken,
  openSealedKeys,
  verifyEndpointToken,
} from './online/credentials.ts';
export type {
  EndpointCredentials,
  OnlineDeploymentRecord,
  OnlineEndpointRecord,
  OnlineEndpoints,
} from './online/online-endpoints.ts';
export type { InstanceState, ProvisioningState } from './online/online-rows.ts';
export type * from './online/online-spec.ts';
export { openOnlineEndpoints } from './online/open-online-endpoints.ts';
