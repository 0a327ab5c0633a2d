import { type FileKind, oneOf, section } from '@fovea/automl/yaml';
import type { z } from 'zod';
import type { BatchEndpointSpec } from '../batch/batch-spec.ts';
import { commonFields, deploymentName } from './endpoint-fields.ts';
import type { SpecKind } from './read-spec.ts';

const file: FileKind = {
  thing: 'batch endpoint',
  aThing: 'a batch endpoint',
  needs: 'name',
  begins: 'name: …, auth_mode: aad_token',
  assignment: 'defaults.deployment_name=blue',
};

const schema = section({
  ...commonFields('endpoint'),
  auth_mode: oneOf(['aad_token']).meta({ description: 'Callers show a token of the workspace.' }).default('aad_token'),
  defaults: section({ deployment_name: deploymentName().optional() })
    .meta({ description: 'What is used when a call names nothing else.' })
    .prefault({}),
});

type Checked = z.output<typeof schema>;

export const batchEndpointKind: SpecKind<Checked, BatchEndpointSpec> = {
  name: 'batch-endpoint',
  file,
  schema,
  rules: () => [],
  finish: ({ $schema: _, name, description, defaults, ...rest }) => ({
    ...{ name, description: description ?? null, ...rest },
    defaults: { deployment_name: defaults.deployment_name ?? null },
  }),
};
