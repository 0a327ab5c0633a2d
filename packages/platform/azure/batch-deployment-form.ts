import type { BatchDeploymentRecord, BatchDeploymentSpec } from '../endpoints/index.ts';
import { checkBatchDeployment } from '../endpoints/spec/index.ts';
import { parseAssetReference } from '../registry/asset-reference.ts';
import { checkedSpec } from './checked-spec.ts';
import { durationOfSeconds, secondsOfDuration } from './duration.ts';
import { headKeys } from './online-endpoint-form.ts';
import { resourceHead, type Scope, workspaceId } from './scope.ts';
import { type Codec, quoted, type Tree, valueAt, wireField, wireTable, word, wrongValue } from './wire-fields.ts';

const seconds: Codec = {
  read: (value) => (typeof value === 'string' ? (secondsOfDuration(value) ?? undefined) : undefined),
  write: (value) => durationOfSeconds(value as number),
};

/** Text; an environment that was written out in a file has no word in REST. */
const environment: Codec = { read: (value) => value, write: (value) => (typeof value === 'string' ? value : null) };

const referenceType = ['properties', 'model', 'referenceType'] as const;

const table = wireTable(
  [
    wireField('tags', 'tags'),
    wireField('description', 'properties.description'),
    wireField('properties', 'properties.properties'),
    wireField('model', 'properties.model.assetId'),
    wireField('code_configuration.code', 'properties.codeConfiguration.codeId'),
    wireField('code_configuration.scoring_script', 'properties.codeConfiguration.scoringScript'),
    wireField('environment', 'properties.environmentId', environment),
    wireField('compute', 'properties.compute'),
    wireField('resources.instance_count', 'properties.resources.instanceCount'),
    wireField('resources.instance_type', 'properties.resources.instanceType'),
    wireField('settings.environment_variables', 'properties.environmentVariables'),
    wireField('settings.error_threshold', 'properties.errorThreshold'),
    wireField('settings.logging_level', 'properties.loggingLevel', word),
    wireField('settings.max_concurrency_per_instance', 'properties.maxConcurrencyPerInstance'),
    wireField('settings.mini_batch_size', 'properties.miniBatchSize'),
    wireField('settings.output_action', 'properties.outputAction', word),
    wireField('settings.output_file_name', 'properties.outputFileName'),
    wireField('settings.retry_settings.max_retries', 'properties.retrySettings.maxRetries'),
    wireField(
      'settings.retry_settings.timeout',
      'properties.retrySettings.timeout',
      seconds,
      'an ISO 8601 duration, as PT30S',
    ),
  ],
  {
    taken: [
      ...[...headKeys, 'sku', referenceType.join('.'), 'properties.provisioningState', 'properties.fovea'],
      // What Azure's clients write of the machines of a job.
      'properties.resources.properties',
    ],
  },
);

/** The batch deployment of a request, checked by the rules of files. @throws Refusal with all that is wrong */
export const batchDeploymentFromRest = (endpoint: string, name: string, body: Tree): BatchDeploymentSpec =>
  checkedSpec(table, body, (values, problems) => {
    const kind = valueAt(body, referenceType) ?? 'Id';
    if (kind !== 'Id') {
      const message = `must be Id, with the model in assetId, not ${quoted(kind)}; register the model first`;
      problems.push(wrongValue(referenceType.join('.'), message));
    }
    return checkBatchDeployment({ ...values, name, endpoint_name: endpoint });
  });

/** A batch deployment as REST answers it. */
export function batchDeploymentAnswer(scope: Scope, record: BatchDeploymentRecord): object {
  const { properties, ...rest } = table.write(record) as { properties: Tree };
  const model = parseAssetReference(record.model);
  return {
    ...resourceHead(scope, `batchEndpoints/${record.endpoint_name}/deployments/${record.name}`),
    location: 'local',
    systemData: { createdAt: record.created_at, createdByType: 'User', lastModifiedAt: record.changed_at },
    ...rest,
    properties: {
      ...properties,
      model: model && {
        referenceType: 'Id',
        assetId: `${workspaceId(scope)}/models/${model.name}/versions/${model.version}`,
      },
      provisioningState: record.provisioning_state,
    },
  };
}
