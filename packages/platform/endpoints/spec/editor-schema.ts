import { converted, type JsonSchema } from '@fovea/automl/yaml';
import { batchDeploymentKind } from './batch-deployment.ts';
import { batchEndpointKind } from './batch-endpoint.ts';
import { onlineDeploymentKind } from './online-deployment.ts';
import { onlineEndpointKind } from './online-endpoint.ts';
import type { SpecKindName } from './schema-address.ts';

const kinds = {
  'online-endpoint': onlineEndpointKind,
  'online-deployment': onlineDeploymentKind,
  'batch-endpoint': batchEndpointKind,
  'batch-deployment': batchDeploymentKind,
} satisfies Record<SpecKindName, object>;

/**
 * The JSON Schema (draft 2020-12) of a kind of file, for editors: made from the schema that checks it. It accepts every file that is accepted,
 * and refuses what is wrong in a single place; what depends on several keys, as the sum of the traffic, it does not know.
 */
export function endpointEditorSchema(kind: SpecKindName): JsonSchema {
  const { file, schema } = kinds[kind];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${file.thing.charAt(0).toUpperCase()}${file.thing.slice(1)} of Fovea and of Azure ML`,
    ...converted(schema),
  };
}
