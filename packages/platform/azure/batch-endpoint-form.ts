import type { BatchEndpointRecord, BatchEndpointSpec } from '../endpoints/index.ts';
import { checkBatchEndpoint } from '../endpoints/spec/index.ts';
import { checkedSpec } from './checked-spec.ts';
import { headKeys } from './online-endpoint-form.ts';
import { resourceHead, type Scope } from './scope.ts';
import { type Codec, type Tree, wireField, wireTable } from './wire-fields.ts';

const authMode: Codec = { read: (value) => value, write: () => 'AADToken' };

const table = wireTable(
  [
    wireField('tags', 'tags'),
    wireField('auth_mode', 'properties.authMode', authMode),
    wireField('description', 'properties.description'),
    wireField('properties', 'properties.properties'),
    wireField('defaults.deployment_name', 'properties.defaults.deploymentName'),
  ],
  {
    taken: [
      ...[...headKeys, 'sku', 'properties.keys.primaryKey', 'properties.keys.secondaryKey'],
      ...['properties.scoringUri', 'properties.swaggerUri', 'properties.provisioningState', 'properties.fovea'],
    ],
  },
);

/** The batch endpoint of a request, checked by the rules of files. @throws Refusal with all that is wrong */
export const batchEndpointFromRest = (name: string, body: Tree): BatchEndpointSpec =>
  checkedSpec(table, body, (values) => checkBatchEndpoint({ ...values, name }));

/** A batch endpoint as REST answers it. @param origin of the server, which takes invocations, too */
export function batchEndpointAnswer(scope: Scope, record: BatchEndpointRecord, origin: string): object {
  const { properties, ...rest } = table.write(record) as { properties: Tree };
  return {
    ...resourceHead(scope, `batchEndpoints/${record.name}`),
    ...{ location: 'local', kind: 'Managed' },
    systemData: { createdAt: record.created_at, createdByType: 'User', lastModifiedAt: record.changed_at },
    ...rest,
    properties: {
      ...properties,
      ...{ keys: null, scoringUri: `${origin}/batchEndpoints/${record.name}/jobs`, swaggerUri: null },
      provisioningState: record.provisioning_state,
    },
  };
}
