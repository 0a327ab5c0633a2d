import type { OnlineEndpointRecord, OnlineEndpointSpec } from '../endpoints/index.ts';
import { checkOnlineEndpoint } from '../endpoints/spec/index.ts';
import { reachableUri } from '../server/reachable-uri.ts';
import { checkedSpec } from './checked-spec.ts';
import { resourceHead, type Scope } from './scope.ts';
import { type Codec, pascal, type Tree, wireField, wireTable, word } from './wire-fields.ts';

const authMode: Codec = {
  read: (value) => value,
  write: (value) => ({ aml_token: 'AMLToken', aad_token: 'AADToken' })[String(value)] ?? pascal(String(value)),
};

const identityType: Codec = {
  read: (value) => value,
  write: (value) => String(value).split(',').map(pascal).join(','),
};

/** Ids of identities, which REST has as keys. */
const keysOfMap: Codec = {
  read: (value) => (typeof value === 'object' && !Array.isArray(value) ? Object.keys(value as object) : undefined),
  write: (value) => Object.fromEntries((value as string[]).map((id) => [id, {}])),
};

/** What any resource says of itself, and where it is said to be: here all are in one place. */
export const headKeys = ['id', 'name', 'type', 'systemData', 'location', 'kind'] as const;
const readOnly = ['scoringUri', 'swaggerUri', 'provisioningState', 'fovea'];

const table = wireTable(
  [
    wireField('tags', 'tags'),
    wireField('identity.type', 'identity.type', identityType),
    wireField(
      'identity.user_assigned_identities',
      'identity.userAssignedIdentities',
      keysOfMap,
      'a map of resource ids',
    ),
    wireField('auth_mode', 'properties.authMode', authMode),
    wireField('description', 'properties.description'),
    wireField('properties', 'properties.properties'),
    wireField('compute', 'properties.compute'),
    wireField('public_network_access', 'properties.publicNetworkAccess', word),
    wireField('traffic', 'properties.traffic'),
    wireField('mirror_traffic', 'properties.mirrorTraffic'),
  ],
  {
    taken: [
      ...headKeys,
      // Azure's clients write a size here, which an endpoint does not have there either.
      ...[
        'sku',
        'identity.principalId',
        'identity.tenantId',
        'properties.keys.primaryKey',
        'properties.keys.secondaryKey',
      ],
      ...readOnly.map((key) => `properties.${key}`),
    ],
  },
);

/** The endpoint of a request: what a file with the same words gives, checked by the same rules. @throws Refusal with all that is wrong */
export const endpointFromRest = (name: string, body: Tree): OnlineEndpointSpec =>
  checkedSpec(table, body, (values) => {
    const identity = values.identity as Tree | undefined;
    const hasNone = identity !== undefined && /^none$/i.test(String(identity.type));
    return checkOnlineEndpoint({ ...values, name, identity: hasNone ? undefined : identity });
  });

/** An endpoint as REST answers it. @param asked the address of the request */
export function endpointAnswer(scope: Scope, record: OnlineEndpointRecord, asked: string): object {
  const { properties, ...rest } = table.write(record) as { properties: Tree };
  return {
    ...resourceHead(scope, `onlineEndpoints/${record.name}`),
    ...{ location: 'local', kind: 'Managed' },
    systemData: { createdAt: record.created_at, createdByType: 'User', lastModifiedAt: record.changed_at },
    ...rest,
    properties: {
      ...properties,
      keys: null,
      scoringUri: reachableUri(record.scoring_uri, asked),
      swaggerUri: reachableUri(record.openapi_uri, asked),
      provisioningState: record.provisioning_state,
    },
  };
}
