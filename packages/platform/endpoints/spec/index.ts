// Files of endpoints and deployments, and the same checks for values that come another way.
import type { BatchDeploymentSpec, BatchEndpointSpec } from '../batch/batch-spec.ts';
import type { OnlineDeploymentSpec, OnlineEndpointSpec } from '../online/online-spec.ts';
import { batchDeploymentKind } from './batch-deployment.ts';
import { batchEndpointKind } from './batch-endpoint.ts';
import { onlineDeploymentKind } from './online-deployment.ts';
import { onlineEndpointKind } from './online-endpoint.ts';
import { type CheckedSpec, checkSpec, type ReadOptions, type ReadSpec, readSpec } from './read-spec.ts';

/** @param text null: there is no file, and the command line says all */
type Read<Spec> = (text: string | null, options: ReadOptions) => ReadSpec<Spec>;
/** Keys are those of files; what is undefined or left out gets its default. Nothing is changed in place. */
type Check<Spec> = (raw: Readonly<Record<string, unknown>>) => CheckedSpec<Spec>;

export const readOnlineEndpoint: Read<OnlineEndpointSpec> = (text, options) =>
  readSpec(onlineEndpointKind, text, options);
export const readOnlineDeployment: Read<OnlineDeploymentSpec> = (text, options) =>
  readSpec(onlineDeploymentKind, text, options);
export const readBatchEndpoint: Read<BatchEndpointSpec> = (text, options) => readSpec(batchEndpointKind, text, options);
export const readBatchDeployment: Read<BatchDeploymentSpec> = (text, options) =>
  readSpec(batchDeploymentKind, text, options);

export const checkOnlineEndpoint: Check<OnlineEndpointSpec> = (raw) => checkSpec(onlineEndpointKind, raw);
export const checkOnlineDeployment: Check<OnlineDeploymentSpec> = (raw) => checkSpec(onlineDeploymentKind, raw);
export const checkBatchEndpoint: Check<BatchEndpointSpec> = (raw) => checkSpec(batchEndpointKind, raw);
export const checkBatchDeployment: Check<BatchDeploymentSpec> = (raw) => checkSpec(batchDeploymentKind, raw);

export { isEndpointName } from './endpoint-fields.ts';
export type { CheckedSpec, GivenValue, ReadOptions, ReadSpec } from './read-spec.ts';
export { type SpecKindName, specKinds } from './schema-address.ts';
