import { type FileKind, oneOf, type Problem, section, show, text, wholeNumber } from '@fovea/automl/yaml';
import { z } from 'zod';
import type { OnlineEndpointSpec } from '../online/online-spec.ts';
import { accessField, commonFields, isEndpointName, noEffect } from './endpoint-fields.ts';
import type { SpecKind } from './read-spec.ts';

const file: FileKind = {
  thing: 'online endpoint',
  aThing: 'an online endpoint',
  needs: 'name',
  begins: 'name: …, auth_mode: key',
  assignment: 'auth_mode=aml_token',
};

/** A resource id, or as some files write it a map that holds it. */
const resourceId = () =>
  z
    .union([text(), section({ resource_id: text().meta({ description: 'Resource id of the identity.' }) })])
    .transform((id) => (typeof id === 'string' ? id : id.resource_id));

const percents = (max: number, description: string) =>
  z
    .record(z.string(), wholeNumber({ min: 0, max }), { error: () => 'must be a map of deployments to percents' })
    .meta({ description })
    .default({});

const identity = () =>
  section({
    type: oneOf(['system_assigned', 'user_assigned', 'system_assigned,user_assigned']).meta({
      description: 'Kind of identity.',
    }),
    user_assigned_identities: z
      .array(resourceId(), { error: () => 'must be a list of resource ids' })
      .meta({ description: 'Resource ids of identities.' })
      .default([]),
  });

const schema = section({
  ...commonFields('endpoint'),
  auth_mode: oneOf(['key', 'aml_token', 'aad_token'])
    .meta({
      description: 'What callers show: a key of the endpoint, a token of it that ends, or a token of the workspace.',
    })
    .default('key'),
  compute: text().meta({ description: 'In Azure a Kubernetes cluster; no effect here.' }).optional(),
  identity: identity().meta({ description: 'In Azure who the endpoint runs as; no effect here.' }).optional(),
  traffic: percents(100, 'Percents of the requests by deployment: 100 in all, or 0.'),
  mirror_traffic: percents(50, 'One deployment that gets copies of some requests, and their percent: 50 at most.'),
  public_network_access: accessField('disabled: requests of this machine alone are answered.'),
});

type Checked = z.output<typeof schema>;

export const onlineEndpointKind: SpecKind<Checked, OnlineEndpointSpec> = {
  name: 'online-endpoint',
  file,
  schema,
  rules: (parts) => [...trafficProblems(parts), ...identityProblems(parts), ...placeProblems(parts)],
  // In the order in which it is shown.
  finish: ({ $schema: _, compute: __, name, description, tags, properties, auth_mode, identity, ...rest }) => ({
    ...{ name, description: description ?? null, tags, properties, auth_mode },
    ...rest,
    identity: identity ?? null,
  }),
};

function trafficProblems({ traffic = {}, mirror_traffic: mirror = {} }: Partial<Checked>): Problem[] {
  const problems: Problem[] = [];
  for (const [key, percents] of Object.entries({ traffic, mirror_traffic: mirror })) {
    for (const deployment of Object.keys(percents)) {
      if (isEndpointName(deployment)) continue;
      const message = `${show(deployment)} cannot be the name of a deployment`;
      problems.push({ code: 'wrong-value', path: [key, deployment], on: 'key', message });
    }
  }
  const total = Object.values(traffic).reduce((sum, percent) => sum + percent, 0);
  if (total !== 0 && total !== 100) {
    const hint = 'it must add up to 100, or to 0 for none';
    problems.push({ code: 'rule', path: ['traffic'], message: `traffic adds up to ${total}`, hint });
  }
  const mirrored = Object.keys(mirror);
  if (mirrored.length > 1) {
    const message = `mirror_traffic names ${mirrored.length} deployments`;
    const hint = 'requests are mirrored to one deployment at most';
    problems.push({ code: 'rule', path: ['mirror_traffic'], message, hint });
  }
  for (const deployment of mirrored) {
    if (mirror[deployment] === 0 || (traffic[deployment] ?? 0) === 0) continue;
    const message = `${deployment} has traffic of its own`;
    const hint = 'a deployment gets live or mirrored requests, never both';
    problems.push({ code: 'rule', path: ['mirror_traffic', deployment], on: 'key', message, hint });
  }
  return problems;
}

function identityProblems({ identity }: Partial<Checked>): Problem[] {
  if (identity === undefined) return [];
  const { type, user_assigned_identities: identities } = identity;
  if (type !== 'system_assigned' && identities.length === 0) {
    const message = `user_assigned_identities is missing in identity, which is of type ${type}`;
    return [{ code: 'missing', path: ['identity', 'user_assigned_identities'], message }];
  }
  return [noEffect(['identity'], 'an endpoint runs as who started it')];
}

const placeProblems = ({ compute }: Partial<Checked>): Problem[] =>
  compute === undefined || isHere(compute)
    ? []
    : [noEffect(['compute'], `the endpoint runs on this machine, not on ${compute}`)];

const isHere = (compute: string) => compute === 'local' || compute === 'azureml:local';
