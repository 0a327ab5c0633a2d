// Endpoints of a workspace and their deployments.
export type {
  BatchDeploymentRecord,
  BatchEndpointRecord,
  BatchEndpoints,
  Invocation,
} from './batch/batch-endpoints.ts';
export type { BatchCounts, BatchFacts } from './batch/batch-record.ts';
export type * from './batch/batch-spec.ts';
export { openBatchEndpoints } from './batch/open-batch-endpoints.ts';
export type { Gateway, GatewayCertificate, GatewayParts } from './gateway/gateway.ts';
export type * from './gateway/served.ts';
export { startGateway } from './gateway/start-gateway.ts';
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
export { endpointEditorSchema } from './spec/editor-schema.ts';
export {
  type CheckedSpec,
  checkBatchDeployment,
  checkBatchEndpoint,
  checkOnlineDeployment,
  checkOnlineEndpoint,
  type GivenValue,
  type ReadOptions,
  type ReadSpec,
  readBatchDeployment,
  readBatchEndpoint,
  readOnlineDeployment,
  readOnlineEndpoint,
  type SpecKindName,
  specKinds,
} from './spec/index.ts';
