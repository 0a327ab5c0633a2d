import type { OnlineDeploymentRecord, OnlineDeploymentSpec } from '../endpoints/index.ts';
import { checkOnlineDeployment } from '../endpoints/spec/index.ts';
import type { RefusalDetail } from '../refusal.ts';
import { parseAssetReference } from '../registry/asset-reference.ts';
import { isObject } from '../server/requests.ts';
import { checkedSpec } from './checked-spec.ts';
import { durationOfSeconds, secondsOfDuration } from './duration.ts';
import { headKeys } from './online-endpoint-form.ts';
import { resourceHead, type Scope, workspaceId } from './scope.ts';
import {
  type Codec,
  put,
  quoted,
  type Tree,
  unknownKey,
  valueAt,
  wireField,
  wireTable,
  word,
  wrongValue,
} from './wire-fields.ts';

/** @param unit seconds of one in files */
const duration = (unit: number): Codec => ({
  read(value) {
    const seconds = typeof value === 'string' ? secondsOfDuration(value) : null;
    // To a millionth, lest 2.01 s are 2009.9999999999998 ms.
    return seconds === null ? undefined : Math.round((seconds / unit) * 1e6) / 1e6;
  },
  write: (value) => durationOfSeconds((value as number) * unit),
});
const seconds = duration(1);
const milliseconds = duration(0.001);
const aDuration = 'an ISO 8601 duration, as PT10S or PT0.5S';

/** Text; an environment that was written out in a file has no word in REST. */
const environment: Codec = { read: (value) => value, write: (value) => (typeof value === 'string' ? value : null) };

const probe = (file: string, rest: string) => [
  wireField(`${file}.initial_delay`, `${rest}.initialDelay`, seconds, aDuration),
  wireField(`${file}.period`, `${rest}.period`, seconds, aDuration),
  wireField(`${file}.timeout`, `${rest}.timeout`, seconds, aDuration),
  wireField(`${file}.success_threshold`, `${rest}.successThreshold`),
  wireField(`${file}.failure_threshold`, `${rest}.failureThreshold`),
];
const settings = 'properties.requestSettings';
const collector = ['properties', 'dataCollector', 'collections'] as const;

const table = wireTable(
  [
    wireField('tags', 'tags'),
    wireField('instance_count', 'sku.capacity'),
    wireField('type', 'properties.endpointComputeType', word),
    wireField('description', 'properties.description'),
    wireField('properties', 'properties.properties'),
    wireField('model', 'properties.model'),
    wireField('model_mount_path', 'properties.modelMountPath'),
    wireField('code_configuration.code', 'properties.codeConfiguration.codeId'),
    wireField('code_configuration.scoring_script', 'properties.codeConfiguration.scoringScript'),
    wireField('environment', 'properties.environmentId', environment),
    wireField('environment_variables', 'properties.environmentVariables'),
    wireField('instance_type', 'properties.instanceType'),
    wireField('app_insights_enabled', 'properties.appInsightsEnabled'),
    wireField('scale_settings.type', 'properties.scaleSettings.scaleType', word),
    wireField('request_settings.request_timeout_ms', `${settings}.requestTimeout`, milliseconds, aDuration),
    wireField('request_settings.max_queue_wait_ms', `${settings}.maxQueueWait`, milliseconds, aDuration),
    wireField('request_settings.max_concurrent_requests_per_instance', `${settings}.maxConcurrentRequestsPerInstance`),
    ...probe('liveness_probe', 'properties.livenessProbe'),
    ...probe('readiness_probe', 'properties.readinessProbe'),
    wireField('data_collector.rolling_rate', 'properties.dataCollector.rollingRate'),
    wireField('egress_public_network_access', 'properties.egressPublicNetworkAccess', word),
  ],
  {
    taken: [
      ...headKeys,
      ...[
        'sku.name',
        'sku.tier',
        'sku.size',
        'sku.family',
        'identity.type',
        'identity.principalId',
        'identity.tenantId',
      ],
      ...['identity.userAssignedIdentities', collector.join('.')],
      ...['properties.provisioningState', 'properties.fovea'],
    ],
  },
);

/** The deployment of a request: what a file with the same words gives, checked by the same rules. @throws Refusal with all that is wrong */
export const deploymentFromRest = (endpoint: string, name: string, body: Tree): OnlineDeploymentSpec =>
  checkedSpec(table, body, (values, problems) => {
    const collections = valueAt(body, collector);
    if (collections !== undefined && collections !== null) readCollections(values, collections, problems);
    return checkOnlineDeployment({ ...values, name, endpoint_name: endpoint });
  });

const modes: Readonly<Record<string, boolean>> = { enabled: true, disabled: false };

/** In REST each collection has a share of its own, in files all have one. */
function readCollections(values: Tree, given: unknown, problems: RefusalDetail[]): void {
  const place = collector.join('.');
  if (!isObject(given)) {
    problems.push(wrongValue(place, `must be a map of collections, not ${quoted(given)}`));
    return;
  }
  const rates = new Set<unknown>();
  for (const [name, collection] of Object.entries(given)) {
    const at = `${place}.${name.slice(0, 100)}`;
    if (!isObject(collection)) {
      problems.push(wrongValue(at, `must be a map, not ${quoted(collection)}`));
      continue;
    }
    const { dataCollectionMode: mode = 'Disabled', samplingRate, clientId: _, dataId: __, ...others } = collection;
    for (const key of Object.keys(others))
      problems.push(unknownKey(`${at}.${key}`, key, ['dataCollectionMode', 'samplingRate']));
    const isEnabled = typeof mode === 'string' ? modes[mode.toLowerCase()] : undefined;
    if (isEnabled === undefined) {
      problems.push(wrongValue(`${at}.dataCollectionMode`, `must be Enabled or Disabled, not ${quoted(mode)}`));
    }
    if (samplingRate !== undefined && samplingRate !== null) rates.add(samplingRate);
    put(values, ['data_collector', 'collections', name], { enabled: isEnabled ?? false });
  }
  if (rates.size > 1) {
    problems.push(
      wrongValue(place, 'the samplingRate of all collections must be the same: which requests are kept is drawn once'),
    );
  } else if (rates.size === 1) put(values, ['data_collector', 'sampling_rate'], [...rates][0]);
}

/** A deployment as REST answers it. What Azure has no word for stands in `properties.fovea`. */
export function deploymentAnswer(scope: Scope, record: OnlineDeploymentRecord): object {
  const { properties, ...rest } = table.write(record) as { properties: Tree };
  const { data_collector, error, instances } = record;
  if (data_collector !== null) {
    const { collections, sampling_rate: samplingRate } = data_collector;
    const wire = Object.entries(collections).map(([name, { enabled }]) => [
      name,
      { dataCollectionMode: enabled ? 'Enabled' : 'Disabled', samplingRate },
    ]);
    put(properties, collector.slice(1), Object.fromEntries(wire));
  }
  const model = parseAssetReference(record.model);
  return {
    ...resourceHead(scope, `onlineEndpoints/${record.endpoint_name}/deployments/${record.name}`),
    ...{ location: 'local', kind: 'Managed' },
    systemData: { createdAt: record.created_at, createdByType: 'User', lastModifiedAt: record.changed_at },
    ...rest,
    sku: { name: 'Default', tier: 'Standard', capacity: record.instance_count },
    properties: {
      ...properties,
      endpointComputeType: 'Managed',
      model: model && `${workspaceId(scope)}/models/${model.name}/versions/${model.version}`,
      provisioningState: record.provisioning_state,
      fovea: { error, instances },
    },
  };
}
