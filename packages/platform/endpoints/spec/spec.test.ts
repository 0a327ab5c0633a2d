import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { endpointEditorSchema } from './editor-schema.ts';
import {
  checkBatchDeployment,
  checkOnlineDeployment,
  checkOnlineEndpoint,
  readBatchDeployment,
  readBatchEndpoint,
  readOnlineDeployment,
  readOnlineEndpoint,
  type SpecKindName,
  specKinds,
} from './index.ts';

const readers = {
  'online-endpoint': readOnlineEndpoint,
  'online-deployment': readOnlineDeployment,
  'batch-endpoint': readBatchEndpoint,
  'batch-deployment': readBatchDeployment,
};

/** What is said of a text: line:column, warnings marked, message and hint. */
function report(kind: SpecKindName, text: string, set: readonly string[] = []): string[] {
  const { value, issues } = readers[kind](text, { file: 'e.yml', set });
  assert.equal(
    value === null,
    issues.some(({ severity }) => severity === 'error'),
  );
  return issues.map(({ file, line, column, severity, message, hint }) => {
    const where = file === 'e.yml' ? `${line ?? '-'}:${column ?? '-'}` : file;
    return `${where} ${severity === 'warning' ? 'warning: ' : ''}${message}${hint === undefined ? '' : `; ${hint}`}`;
  });
}

const kindOfFixture: Record<string, SpecKindName> = {
  'batch-heart-classifier-deployment-simple.yml': 'batch-deployment',
  'batch-heart-classifier-endpoint.yml': 'batch-endpoint',
  'docs-create_deployment.yml': 'online-deployment',
  'docs-create_endpoint.yml': 'online-endpoint',
  'ncd-sklearn-deployment.yaml': 'online-deployment',
  'online-sample-endpoint.yml': 'online-endpoint',
};
const folder = join(import.meta.dirname, '../fixtures/azure');
const fixtures = readdirSync(folder).filter((file) => /\.ya?ml$/.test(file));
const compute = '6:1 warning: compute has no effect here: jobs run on this machine, not on azureml:batch-cluster';

for (const file of fixtures) {
  test(`${file} is read as it is, and as no other kind`, () => {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const kind of specKinds) {
      if (kind !== kindOfFixture[file]) assert.equal(readers[kind](text, { file }).value, null, kind);
      else assert.deepEqual(report(kind, text), kind === 'batch-deployment' ? [compute] : []);
    }
  });
}

const deployment = 'name: blue\nendpoint_name: pets\nmodel: azureml:pets:1\n';

test('an online deployment has every default of the contract', () => {
  const { value } = readOnlineDeployment(deployment, { file: 'e.yml' });
  const probe = { initial_delay: 10, period: 10, timeout: 2, success_threshold: 1, failure_threshold: 30 };
  assert.deepEqual(value, {
    ...{ name: 'blue', endpoint_name: 'pets', description: null, tags: {}, properties: {} },
    ...{ model: 'azureml:pets:1', model_mount_path: null, environment: null, environment_variables: {} },
    ...{ instance_type: 'local', instance_count: 1, app_insights_enabled: false, scale_settings: { type: 'default' } },
    request_settings: {
      ...{ request_timeout_ms: 5000, max_concurrent_requests_per_instance: 1, max_queue_wait_ms: 500 },
    },
    ...{ liveness_probe: probe, readiness_probe: probe, data_collector: null, egress_public_network_access: 'enabled' },
  });
});

test('an online deployment may say everything that Azure knows', () => {
  const text = `$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue-2
endpoint_name: pets
description: of cats and dogs
tags: {owner: me, year: 2026}
model: {name: pets, version: 3, path: ./model, type: mlflow_model}
instance_type: Standard_DS3_v2
instance_count: "3"
scale_settings: {type: Default}
request_settings: {request_timeout_ms: 180000, max_concurrent_requests_per_instance: 4, max_queue_wait_ms: 0}
liveness_probe: {initial_delay: 2000, period: 10, timeout: 2, success_threshold: 1, failure_threshold: 30}
readiness_probe: {initial_delay: 1, period: 1, timeout: 1, success_threshold: 3, failure_threshold: 1}
data_collector:
  sampling_rate: 0.5
  rolling_rate: minute
  collections: {request: {enabled: "True"}, response: {enabled: false}}
egress_public_network_access: disabled
`;
  assert.deepEqual(report('online-deployment', text), []);
  const { value } = readOnlineDeployment(text, { file: 'e.yml' });
  assert.deepEqual(value?.model, { name: 'pets', version: '3', path: './model', type: 'mlflow_model' });
  assert.deepEqual(value?.data_collector, {
    ...{ sampling_rate: 0.5, rolling_rate: 'Minute' },
    collections: { request: { enabled: true }, response: { enabled: false } },
  });
  assert.deepEqual([value?.instance_count, value?.tags], [3, { owner: 'me', year: '2026' }]);
});

test('what has no effect is accepted, and said', () => {
  const text = `${deployment}model_mount_path: /var/models
environment: {image: mcr.microsoft.com/x}
environment_variables: {WORKER_COUNT: 1, DEBUG: "1"}
app_insights_enabled: true
data_collector: {collections: {model_inputs: {enabled: 'True'}, request: {enabled: true, data: {name: in}}}}
`;
  assert.deepEqual(report('online-deployment', text), [
    '4:1 warning: model_mount_path has no effect here: models are served from the workspace',
    '5:1 warning: environment has no effect here: Fovea itself serves the model',
    '6:25 warning: WORKER_COUNT has no effect here: no program of yours is run; request_settings.max_concurrent_requests_per_instance says how much is done at once',
    '6:42 warning: DEBUG has no effect here: no program of yours is run',
    '7:1 warning: app_insights_enabled has no effect here: logs and metrics stay on this machine',
    '8:32 warning: model_inputs has no effect here: no script fills it; request and response are kept',
    '8:90 warning: data has no effect here: what is kept stays in the workspace',
  ]);
  assert.deepEqual(report('online-endpoint', 'name: pets\nidentity: {type: SystemAssigned}\ncompute: azureml:k8s\n'), [
    '2:1 warning: identity has no effect here: an endpoint runs as who started it',
    '3:1 warning: compute has no effect here: the endpoint runs on this machine, not on azureml:k8s',
  ]);
});

const wrong: [kind: SpecKindName, lines: string, ...said: string[]][] = [
  ['online-deployment', 'instance_cout: 2', '4:1 unknown key; did you mean instance_count?'],
  ['online-deployment', 'liveness_probe: {periods: 2}', '4:18 unknown key in liveness_probe; did you mean period?'],
  [
    'online-deployment',
    'request_settings: {request_timeout_ms: 180001}',
    '4:40 request_settings.request_timeout_ms must be a whole number from 1 to 180000, not 180001',
  ],
  ['online-deployment', 'instance_count: 51', '4:17 instance_count must be a whole number from 1 to 50, not 51'],
  ['online-deployment', 'instance_count: 1.5', '4:17 instance_count must be a whole number from 1 to 50, not 1.5'],
  ['online-deployment', 'instance_count:', '4:1 instance_count has no value; give it one, or take the key out'],
  [
    'online-deployment',
    'readiness_probe: {initial_delay: 0}',
    '4:34 readiness_probe.initial_delay must be a whole number from 1 to 86400, not 0',
  ],
  [
    'online-deployment',
    'liveness_probe: {success_threshold: 2}',
    '4:37 success_threshold must be 1 in liveness_probe, not 2',
  ],
  [
    'online-deployment',
    'code_configuration: {code: ., scoring_script: score.py}',
    '4:1 scoring scripts are not run; Fovea serves model folders, which need none: take code_configuration out',
  ],
  [
    'online-deployment',
    'scale_settings: {type: target_utilization, min_instances: 1, max_instances: 5}',
    '4:24 the number of instances does not follow their load; type: default has instance_count instances; fovea online-deployment update changes it while requests go on',
  ],
  [
    'online-deployment',
    'type: kubernetes\nresources: {requests: {cpu: 1}}',
    '4:7 deployments to Kubernetes are not run; write it as a managed online deployment: instances run on this machine',
  ],
  [
    'online-deployment',
    'data_collector: {rolling_rate: Hourly, sampling_rate: 2}',
    '4:32 data_collector.rolling_rate must be Minute, Hour, Day, Month or Year, not "Hourly"; did you mean Hour?',
    '4:55 data_collector.sampling_rate must be a number from 0 to 1, not 2',
  ],
  [
    'online-endpoint',
    'auth_mode: kay',
    '2:12 auth_mode must be key, aml_token or aad_token, not "kay"; did you mean key?',
  ],
  ['online-endpoint', 'traffic: {blue: 90}', '2:1 traffic adds up to 90; it must add up to 100, or to 0 for none'],
  ['online-endpoint', 'traffic: {blue: 101}', '2:17 traffic.blue must be a whole number from 0 to 100, not 101'],
  ['online-endpoint', 'traffic: {-b: 100}', '2:11 "-b" cannot be the name of a deployment'],
  [
    'online-endpoint',
    'mirror_traffic: {blue: 10, green: 10}',
    '2:1 mirror_traffic names 2 deployments; requests are mirrored to one deployment at most',
  ],
  [
    'online-endpoint',
    'mirror_traffic: {blue: 60}',
    '2:24 mirror_traffic.blue must be a whole number from 0 to 50, not 60',
  ],
  [
    'online-endpoint',
    'traffic: {blue: 100}\nmirror_traffic: {blue: 10}',
    '3:18 blue has traffic of its own; a deployment gets live or mirrored requests, never both',
  ],
  [
    'online-endpoint',
    'identity: {type: user_assigned}',
    '2:1 user_assigned_identities is missing in identity, which is of type user_assigned',
  ],
  [
    'online-endpoint',
    'endpoint_name: pets\nmodel: x',
    '2:1 this file is for a deployment, and an online endpoint is wanted; fovea online-deployment create takes it',
  ],
  ['batch-endpoint', 'auth_mode: key', '2:12 auth_mode must be aad_token, not "key"'],
  ['batch-endpoint', 'defaults: {deployment: blue}', '2:12 unknown key in defaults; there is deployment_name'],
  ['batch-deployment', 'type: pipeline\ncomponent: x', '4:7 pipelines are not run; type: model runs a model'],
  [
    'batch-deployment',
    'settings: {error_threshold: -2, mini_batch_size: 0, output_action: append}',
    '4:29 settings.error_threshold must be a whole number, -1 or more, not -2',
    '4:50 settings.mini_batch_size must be a whole number, 1 or more, not 0',
    '4:68 settings.output_action must be append_row or summary_only, not "append"',
  ],
  [
    'batch-deployment',
    'settings: {output_file_name: ../x.csv}',
    '4:30 settings.output_file_name must be the name of a file, without folders, not "../x.csv"',
  ],
  [
    'batch-deployment',
    'settings: {mini_batch_size: 5}\nmini_batch_size: 6',
    '5:1 mini_batch_size is given in settings, too; keep the one in settings',
  ],
];
for (const [kind, lines, ...said] of wrong) {
  test(`${kind} with ${lines.split('\n').join(', ')}`, () => {
    const head = kind.endsWith('-deployment') ? deployment : 'name: pets\n';
    assert.deepEqual(report(kind, `${head}${lines}\n`), said);
  });
}

const models: [model: string, said: string | null][] = [
  ['azureml:pets@latest', null],
  ['/subscriptions/s/resourceGroups/g/providers/P/workspaces/w/models/pets/versions/1', null],
  ['{path: runs:/amber_lynx_HD_0/outputs/mlflow-model}', null],
  [
    './model',
    'model must be azureml:<name>:<version> or azureml:<name>@latest, not "./model"; a folder is named in a map: model: {path: …, type: mlflow_model}',
  ],
  [
    'azureml://registries/azureml/models/x/versions/1',
    'models of registries in Azure cannot be fetched; download its folder, and name it: model: {path: …, type: mlflow_model}',
  ],
  ['azureml:pets', 'azureml:pets does not say which version: azureml:pets:1, or azureml:pets@latest'],
  [
    '{path: m, type: triton_model}',
    'models for Triton are not served; Fovea serves model folders: mlflow_model, or custom_model',
  ],
  ['{name: pets}', 'path is missing in model'],
  ['{path: m, typ: x}', 'unknown key in model; did you mean type?'],
  ['[a]', 'model must be azureml:<name>:<version>, azureml:<name>@latest, or a map with path and type, not a list'],
];
for (const [model, said] of models) {
  test(`a model: ${model}`, () => {
    const found = report('online-deployment', deployment.replace('azureml:pets:1', model));
    assert.deepEqual(
      found.map((line) => line.replace(/^\S+ /, '')),
      said === null ? [] : [said],
    );
  });
}

test('names are 3 to 32 letters, digits and single dashes', () => {
  const isRight = (name: string) => checkOnlineEndpoint({ name }).value !== null;
  for (const name of ['abc', 'a1-b2-c', 'A'.repeat(32)]) assert.ok(isRight(name), name);
  for (const name of ['ab', 'a'.repeat(33), '1ab', '-ab', 'a--b', 'ab-', 'a_b', 'a.b', '../..', 'abc\n', 'ébc'])
    assert.ok(!isRight(name), name);
});

test('what is missing is named', () => {
  assert.deepEqual(
    report('online-deployment', 'nam: blue\n'),
    [
      '-:- endpoint_name is missing; it must be 3 to 32 letters, digits and single dashes between them, the first of them a letter',
      '-:- model is missing; it must be azureml:<name>:<version>, azureml:<name>@latest, or a map with path and type',
      '1:1 unknown key; did you mean name?',
    ].toSorted((a, b) => Number(a.startsWith('-')) - Number(b.startsWith('-'))),
  );
  assert.deepEqual(report('batch-endpoint', ''), ['-:- the file is empty; a batch endpoint needs at least name']);
});

test('the older form of a batch deployment, with its settings at root level, is the same deployment', () => {
  const settings = 'mini_batch_size: 2\n  output_file_name: out.csv\n  retry_settings: {max_retries: 1}\n';
  const now = readBatchDeployment(`${deployment}type: model\nsettings:\n  ${settings}`, { file: 'e.yml' });
  const then = readBatchDeployment(`${deployment}${settings.replaceAll('\n  ', '\n')}`, { file: 'e.yml' });
  assert.deepEqual(then.value, now.value);
  assert.deepEqual(now.value?.settings, {
    ...{ max_concurrency_per_instance: 1, mini_batch_size: 2, error_threshold: -1, logging_level: 'info' },
    ...{ retry_settings: { max_retries: 1, timeout: 30 }, output_action: 'append_row', output_file_name: 'out.csv' },
    environment_variables: {},
  });
});

test('what the command line says wins over the file, and is what its problems point at', () => {
  const options = { file: 'e.yml', set: ['instance_count=2', 'liveness_probe.timeout=0'] };
  const given = [{ key: 'name', value: 'x', argument: '--name x' }];
  const { issues } = readOnlineDeployment(deployment, { ...options, given });
  assert.deepEqual(
    issues.map(({ file, message }) => `${file}: ${message}`),
    [
      '--set liveness_probe.timeout=0: liveness_probe.timeout must be a whole number from 1 to 86400, not 0',
      '--name x: name must be 3 to 32 letters, digits and single dashes between them, the first of them a letter, not "x"',
    ],
  );
  const { value } = readOnlineDeployment(deployment, { file: 'e.yml', set: ['instance_count=2', 'tags.a=b'] });
  assert.deepEqual([value?.instance_count, value?.tags], [2, { a: 'b' }]);
});

test('a file goes over what there is, and without a file the command line does', () => {
  const before = readOnlineDeployment(`${deployment}instance_count: 3\ntags: {a: b}\n`, { file: 'e.yml' }).value;
  assert.ok(before);
  const base = { ...before, provisioning_state: 'Succeeded', revision: 4 };
  const changed = readOnlineDeployment('model: azureml:pets:2\n', { file: 'e.yml', base, set: ['tags.a=null'] });
  assert.deepEqual(changed.value, { ...before, model: 'azureml:pets:2', tags: {} });
  const { value } = readOnlineDeployment(null, { file: 'blue', base, set: ['instance_count=1'] });
  assert.deepEqual(value, { ...before, instance_count: 1 });
  assert.deepEqual(before.tags, { a: 'b' });

  const batch = readBatchDeployment(`${deployment}settings: {error_threshold: 5}\n`, { file: 'e.yml' }).value;
  assert.ok(batch);
  const older = readBatchDeployment('mini_batch_size: 3\n', { file: 'e.yml', base: batch });
  assert.deepEqual(older.value?.settings, { ...batch.settings, mini_batch_size: 3 });
});

test('the same checks without a file: problems have paths, and what was given stays as it was', () => {
  const raw = {
    name: 'blue',
    endpoint_name: 'pets',
    model: 'azureml:pets:1',
    request_settings: { request_timeout_ms: 0 },
  };
  const before = structuredClone(raw);
  const { value, problems } = checkOnlineDeployment(raw);
  assert.deepEqual([value, problems.map(({ path }) => path)], [null, [['request_settings', 'request_timeout_ms']]]);
  assert.deepEqual(raw, before);
  assert.equal(checkBatchDeployment({ ...raw, request_settings: undefined }).value?.settings.mini_batch_size, 10);
});

test('the schemas for editors take the files that are taken, and refuse what is wrong in one place', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
  for (const kind of specKinds) {
    const validate = ajv.compile(endpointEditorSchema(kind));
    for (const file of fixtures.filter((file) => kindOfFixture[file] === kind))
      assert.ok(
        validate(parse(readFileSync(join(folder, file), 'utf8'))),
        `${file}: ${ajv.errorsText(validate.errors)}`,
      );
    const head = kind.endsWith('-deployment') ? deployment : 'name: pets\n';
    for (const [ofKind, lines, said] of wrong.filter(([, , said]) => /unknown key|must be (?!1 in)/.test(said ?? ''))) {
      if (ofKind !== kind || /add up/.test(said ?? '')) continue;
      assert.equal(validate(parse(`${head}${lines}\n`)), false, `${kind}: ${lines}`);
    }
  }
});
