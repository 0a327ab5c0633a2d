import {
  type FileKind,
  isMap,
  number,
  oneOf,
  type Problem,
  section,
  squash,
  text,
  wholeNumber,
} from '@fovea/automl/yaml';
import { z } from 'zod';
import type { OnlineDeploymentSpec } from '../online/online-spec.ts';
import {
  accessField,
  commonFields,
  endpointName,
  environmentField,
  environmentVariables,
  flag,
  idleVariables,
  modelField,
  modelOf,
  modelProblems,
  noEffect,
  scoringScript,
} from './endpoint-fields.ts';
import type { SpecKind } from './read-spec.ts';

const file: FileKind = {
  thing: 'online deployment',
  aThing: 'an online deployment',
  needs: 'name, endpoint_name and model',
  begins: 'name: …, endpoint_name: …, model: azureml:…',
  assignment: 'instance_count=2',
};

/** A day: probes of longer times find nothing out. */
const mostSeconds = 86_400;
/** What an instance takes. */
const mostRequests = 10_000;

const seconds = (description: string, fallback: number) =>
  wholeNumber({ min: 1, max: mostSeconds }).meta({ description }).default(fallback);

const probe = (description: string) =>
  section({
    initial_delay: seconds('Seconds before the first probe.', 10),
    period: seconds('Seconds from probe to probe.', 10),
    timeout: seconds('Seconds that an answer may take.', 2),
    success_threshold: wholeNumber({ min: 1 })
      .meta({ description: 'Good answers in a row that count; 1 for liveness.' })
      .default(1),
    failure_threshold: wholeNumber({ min: 1 }).meta({ description: 'Failures in a row that count.' }).default(30),
  })
    .meta({ description })
    .prefault({});

const collection = () =>
  section({
    enabled: flag('Whether it is kept.').default(false),
    data: section({
      name: text().meta({ description: 'In Azure the data asset; no effect here.' }).optional(),
      path: text().meta({ description: 'In Azure where it is kept; no effect here.' }).optional(),
      version: text().meta({ description: 'In Azure the version of the data asset; no effect here.' }).optional(),
    })
      .meta({ description: 'In Azure where it is kept; no effect here.' })
      .optional(),
  });

const schema = section({
  ...commonFields('deployment'),
  endpoint_name: endpointName(),
  type: oneOf(['managed']).meta({ description: 'Kind of deployment.' }).optional(),
  model: modelField(),
  model_mount_path: text()
    .meta({ description: 'In Azure where a container finds the model; no effect here.' })
    .optional(),
  environment: environmentField(),
  environment_variables: environmentVariables().default({}),
  instance_type: text()
    .meta({ description: 'In Azure the kind of machine; instances run on this one.' })
    .default('local'),
  instance_count: wholeNumber({ min: 1, max: 50 }).meta({ description: 'Processes that answer.' }).default(1),
  app_insights_enabled: flag('In Azure whether logs go to Application Insights; no effect here.').default(false),
  scale_settings: section({ type: oneOf(['default']).meta({ description: 'As many instances as instance_count.' }) })
    .meta({ description: 'How the number of instances changes.' })
    .default({ type: 'default' }),
  request_settings: section({
    request_timeout_ms: wholeNumber({ min: 1, max: 180_000 })
      .meta({ description: 'Milliseconds that an answer may take.' })
      .default(5000),
    max_concurrent_requests_per_instance: wholeNumber({ min: 1, max: mostRequests })
      .meta({ description: 'Requests that an instance works on at once.' })
      .default(1),
    max_queue_wait_ms: wholeNumber({ min: 0, max: 180_000 })
      .meta({ description: 'Milliseconds that a request may wait for its turn.' })
      .default(500),
  })
    .meta({ description: 'Limits of requests.' })
    .prefault({}),
  liveness_probe: probe('An instance that fails it is started again.'),
  readiness_probe: probe('An instance that fails it gets no requests.'),
  data_collector: section({
    sampling_rate: number({ min: 0, max: 1 }).meta({ description: 'Share of the requests that is kept.' }).default(1),
    rolling_rate: oneOf(['Minute', 'Hour', 'Day', 'Month', 'Year'])
      .meta({ description: 'For how long one file is written to.' })
      .default('Hour'),
    collections: z
      .record(z.string(), collection(), { error: () => 'must be a map of collections' })
      .meta({ description: 'What is kept: request, response.' })
      .default({}),
  })
    .meta({ description: 'What of requests and answers is kept.' })
    .optional(),
  egress_public_network_access: accessField('disabled: images are not fetched from addresses.'),
});

type Checked = z.output<typeof schema>;

export const onlineDeploymentKind: SpecKind<Checked, OnlineDeploymentSpec> = {
  name: 'online-deployment',
  file,
  schema,
  other: kubernetes,
  refused: (raw) => [...scoringScript(raw), ...autoscaling(raw)],
  rules: (parts) => [
    ...modelProblems(parts.model),
    ...probeProblems(parts),
    ...collectorProblems(parts),
    ...idleProblems(parts),
  ],
  // In the order in which it is shown.
  finish: ({ $schema: _, type: __, name, endpoint_name, tags, properties, ...rest }) => ({
    ...{ name, endpoint_name, description: rest.description ?? null, tags, properties },
    ...{ model: modelOf(rest.model), instance_type: rest.instance_type, instance_count: rest.instance_count },
    ...{ request_settings: rest.request_settings, liveness_probe: rest.liveness_probe },
    ...{ readiness_probe: rest.readiness_probe, scale_settings: rest.scale_settings },
    data_collector: rest.data_collector === undefined ? null : collectorOf(rest.data_collector),
    egress_public_network_access: rest.egress_public_network_access,
    ...{ environment: rest.environment ?? null, environment_variables: rest.environment_variables },
    ...{ model_mount_path: rest.model_mount_path ?? null, app_insights_enabled: rest.app_insights_enabled },
  }),
};

const collectorOf = ({ collections, ...rest }: NonNullable<Checked['data_collector']>) => ({
  ...rest,
  collections: {
    ...{ request: { enabled: false }, response: { enabled: false } },
    ...Object.fromEntries(Object.entries(collections).map(([name, { enabled }]) => [name, { enabled }])),
  },
});

function kubernetes(raw: Record<string, unknown>): Problem | undefined {
  const isType = typeof raw.type === 'string' && squash(raw.type) === 'kubernetes';
  const isSchema = typeof raw.$schema === 'string' && /kubernetesOnlineDeployment/i.test(raw.$schema);
  if (!isType && !isSchema) return undefined;
  const hint = 'write it as a managed online deployment: instances run on this machine';
  const path = [isType ? 'type' : '$schema'];
  return { code: 'unsupported', path, message: 'deployments to Kubernetes are not run', hint };
}

function autoscaling({ scale_settings: scale }: Record<string, unknown>): Problem[] {
  if (!isMap(scale) || typeof scale.type !== 'string' || squash(scale.type) !== 'targetutilization') return [];
  const hint =
    'type: default has instance_count instances; fovea online-deployment update changes it while requests go on';
  const message = 'the number of instances does not follow their load';
  return [{ code: 'unsupported', path: ['scale_settings', 'type'], message, hint }];
}

const probeProblems = ({ liveness_probe: probe }: Partial<Checked>): Problem[] =>
  probe === undefined || probe.success_threshold === 1
    ? []
    : [
        {
          ...{ code: 'rule', path: ['liveness_probe', 'success_threshold'] },
          message: `success_threshold must be 1 in liveness_probe, not ${probe.success_threshold}`,
        },
      ];

function collectorProblems({ data_collector: collector }: Partial<Checked>): Problem[] {
  return Object.entries(collector?.collections ?? {}).flatMap(([name, { data }]) => {
    const path = ['data_collector', 'collections', name];
    if (name !== 'request' && name !== 'response')
      return [noEffect(path, 'no script fills it', 'request and response are kept')];
    return data === undefined ? [] : [noEffect([...path, 'data'], 'what is kept stays in the workspace')];
  });
}

function idleProblems(parts: Partial<Checked>): Problem[] {
  const { model_mount_path: mount, environment, environment_variables: variables = {}, app_insights_enabled } = parts;
  return [
    ...(mount === undefined ? [] : [noEffect(['model_mount_path'], 'models are served from the workspace')]),
    ...(environment === undefined ? [] : [noEffect(['environment'], 'Fovea itself serves the model')]),
    ...idleVariables(['environment_variables'], variables, {
      WORKER_COUNT: 'request_settings.max_concurrent_requests_per_instance says how much is done at once',
    }),
    ...(app_insights_enabled ? [noEffect(['app_insights_enabled'], 'logs and metrics stay on this machine')] : []),
  ];
}
