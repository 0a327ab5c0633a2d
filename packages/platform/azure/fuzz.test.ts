import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { scopePath, servedWorkspace } from '../fixtures/served-workspace.ts';
import type { Role } from '../server/tokens.ts';

const seed = Number(process.env.FOVEA_FUZZ_SEED ?? 20_261_121);
const runs = Number(process.env.FOVEA_FUZZ_RUNS ?? 1500);

const secret = 'a text that no answer may have';
const colours = fileURLToPath(new URL('../../serving/fixtures/colours', import.meta.url));

const oddNames = [
  ...[
    '..',
    '.',
    '%2e%2e',
    '%2e%2e%2f%2e%2e%2fsecret',
    '..%2f..%2fsecret',
    '%2fetc%2fpasswd',
    '%5c..%5c',
    'a%00b',
    '%',
    '%zz',
  ],
  ...[
    'a'.repeat(256),
    'a'.repeat(5000),
    '%F0%9F%90%9D',
    '%ff',
    '__proto__',
    'constructor',
    'toString',
    'a b',
    "a'b",
    'a"b',
    '%0d%0ax: y',
  ],
  ...['1', '@latest', 'latest', 'j_HD_0', 'cancel-j', ';', '$skip', '*', '~', 'con', 'x:y', 'azureml:pets:1'],
];
const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('j', 'pets', 'm', '1', '2', 'blue', 'apply-deployment.pets.blue') },
  { weight: 2, arbitrary: fc.constantFrom(...oddNames) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed())),
  },
);
const collection = fc.constantFrom(
  ...['jobs', 'data', 'models', 'environments', 'computes', 'datastores', 'operationResults', 'components', 'codes'],
  ...['onlineEndpoints', 'onlineEndpoints', 'onlineEndpoints/pets/deployments', 'operations'],
);
const below = fc.constantFrom(
  '',
  '/cancel',
  '/versions',
  '/versions/1',
  '/versions/2',
  '/listSecrets',
  '/listNodes',
  '/nothing',
  ...['/deployments', '/deployments/blue', '/listKeys', '/token', '/regenerateKeys', '/getLogs', '/skus'],
);
const path = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(collection, name, below, name)
      .map(([c, n, b, v]) => `${scopePath}/${c}/${n}${b}${b === '/versions' ? `/${v}` : ''}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(name, name)
      .map(
        ([s, w]) =>
          `/subscriptions/${s}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/${w}/jobs`,
      ),
  },
  { weight: 1, arbitrary: collection.map((c) => `${scopePath}/${c}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(name, fc.constantFrom('', '/credentials', '/keys', '/deployments', '/deployments/blue/logs'), name)
      .map(([n, b, d]) => `/fovea/v1/online-endpoints/${n}${b}${b === '/deployments' ? `/${d}` : ''}`),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }).map((text) => `/${encodeURI(text.toWellFormed())}`) },
);
const query = fc.array(
  fc.tuple(
    fc.constantFrom(
      '$skip',
      '$top',
      'count',
      'listViewType',
      'tag',
      'tags',
      'jobType',
      '$orderBy',
      'offset',
      'api-version',
      'names',
      'version',
      ...['orderBy', 'computeType', 'name', 'wait'],
    ),
    fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('1', 'MQ', 'All', 'a=b', '-1', '1e9', 'NaN', 'createdAt asc', '9'.repeat(30)),
    ),
  ),
  { maxLength: 3 },
);

const bodies = [
  {
    properties: {
      ...{
        jobType: 'AutoML',
        displayName: 'd',
        experimentName: 'e',
        tags: { a: 'b' },
        properties: {},
        isArchived: false,
      },
      ...{ computeId: `${scopePath}/computes/local`, resources: { instanceCount: 1, shmSize: '2g' } },
      outputs: { best_model: { jobOutputType: 'mlflow_model', mode: 'ReadWriteMount', uri: null } },
      taskDetails: {
        ...{ taskType: 'ImageObjectDetection', logVerbosity: 'Info', primaryMetric: 'MeanAveragePrecision' },
        targetColumnName: 'label',
        trainingData: { jobInputType: 'mltable', uri: 'azureml:pets:1', mode: 'Direct' },
        limitSettings: { maxTrials: 10, maxConcurrentTrials: 2, timeout: 'PT60M' },
        sweepSettings: {
          samplingAlgorithm: 'Random',
          earlyTermination: { policyType: 'Bandit', evaluationInterval: 2, delayEvaluation: 6, slackFactor: 0.2 },
        },
        modelSettings: { earlyStopping: true, advancedSettings: '{"stream_image_files": true}', learningRate: 0.01 },
        searchSpace: [{ modelName: "choice('yolov5')", learningRate: 'uniform(0.0001,0.01)' }],
      },
    },
  },
  {
    properties: {
      dataType: 'mltable',
      dataUri: 'azureml://datastores/workspaceblobstore/paths/pets',
      tags: {},
      isArchived: false,
    },
  },
  {
    properties: {
      modelType: 'custom_model',
      modelUri: 'azureml://jobs/j/outputs/artifacts/outputs/mlflow-model/',
      jobName: 'j',
      flavors: {},
    },
  },
  { properties: { image: 'debian', osType: 'Linux', build: null, inferenceConfig: {} } },
  { tags: { a: 'b' }, properties: { friendlyName: 'x', description: null } },
  {
    ...{ location: 'local', tags: { a: 'b' }, kind: 'Managed' },
    identity: { type: 'UserAssigned', userAssignedIdentities: { '/subscriptions/s/i': {} } },
    properties: {
      ...{ authMode: 'Key', description: 'd', publicNetworkAccess: 'Enabled', keys: null, properties: {} },
      ...{ traffic: { blue: 100 }, mirrorTraffic: { green: 10 } },
    },
  },
  {
    ...{ location: 'local', tags: {}, sku: { name: 'Default', capacity: 2 } },
    properties: {
      ...{ endpointComputeType: 'Managed', model: 'azureml:colours:1', instanceType: 'x', description: null },
      ...{ environmentId: 'e', environmentVariables: { WORKER_COUNT: '2' }, appInsightsEnabled: false },
      requestSettings: { requestTimeout: 'PT5S', maxQueueWait: 'PT0.5S', maxConcurrentRequestsPerInstance: 1 },
      livenessProbe: { initialDelay: 'PT10S', period: 'PT10S', timeout: 'PT2S', failureThreshold: 30 },
      scaleSettings: { scaleType: 'Default' },
      dataCollector: {
        rollingRate: 'Hour',
        collections: { request: { dataCollectionMode: 'Enabled', samplingRate: 1 } },
      },
    },
  },
  { keyType: 'Primary', keyValue: 'a-key-that-somebody-chose' },
  { containerType: 'InferenceServer', tail: 10 },
  { tags: { a: null }, sku: { capacity: 3 } },
  {
    endpoint: {
      ...{ name: 'pets', description: null, tags: {}, properties: {}, auth_mode: 'key', identity: null },
      ...{ traffic: { blue: 100 }, mirror_traffic: {}, public_network_access: 'enabled' },
    },
    revision: 1,
  },
  {
    deployment: {
      ...{ name: 'blue', endpoint_name: 'pets', model: 'azureml:colours:1', instance_count: 2 },
      ...{ environment_variables: {}, liveness_probe: { period: 1 }, request_settings: { request_timeout_ms: 1 } },
    },
    create: false,
  },
  { which: 'primary', value: 'a-key-that-somebody-chose' },
];

/** Where each of them may be sent. */
const places = (of: string, version: string, deployment: string): [method: string, path: string][] => [
  ['PUT', `jobs/${of}`],
  ['PUT', `data/${of}/versions/${version}`],
  ['PUT', `models/${of}/versions/${version}`],
  ['PUT', `environments/${of}/versions/${version}`],
  ['PATCH', ''],
  ['PUT', 'onlineEndpoints/pets'],
  ['PUT', `onlineEndpoints/pets/deployments/${deployment}`],
  ['POST', 'onlineEndpoints/pets/regenerateKeys'],
  ['POST', `onlineEndpoints/pets/deployments/${deployment}/getLogs`],
  ['PATCH', `onlineEndpoints/pets/deployments/${deployment}`],
  ['PUT', '/fovea/v1/online-endpoints/pets'],
  ['PUT', `/fovea/v1/online-endpoints/pets/deployments/${deployment}`],
  ['POST', '/fovea/v1/online-endpoints/pets/keys'],
];

/** Places of all values in a value. */
function placesIn(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, child]) => placesIn(child, [...at, key]))];
}

const oddTexts = [
  ...[
    '',
    '..',
    '../../secret',
    '/etc/passwd',
    'file:///etc/passwd',
    'file://host/x',
    'azureml://datastores/workspaceblobstore/paths/../../../secret',
  ],
  ...[
    'azureml://jobs/../../outputs/x',
    'runs:/j/outputs/../../../secret',
    'azureml:..:1',
    'azureml:pets@',
    'azureml:',
    'azureml://',
    '\0',
    '\ud800',
  ],
  ...[
    "choice('a",
    'uniform(1)',
    'uniform(a,b,c,d)',
    `choice(${'1,'.repeat(500)})`,
    '('.repeat(300),
    'PT',
    'P1Y',
    `PT${'9'.repeat(400)}S`,
  ],
  ...[
    '<<',
    '*a',
    '&a',
    '!!js/function',
    '{',
    '[',
    "'",
    '"',
    '\n',
    '- a',
    'a: b',
    '%YAML',
    '$'.concat('{{parent.x}}'),
    'x'.repeat(10_000),
  ],
];
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...oddTexts),
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1e308,
    -0,
    1e-320,
    2 ** 53,
    [],
    {},
    [[]],
    [null],
    { '': '' },
    { a: { b: {} } },
  ),
  fc.jsonValue({ maxDepth: 4 }),
  fc.string({ maxLength: 60 }),
);
const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'tags', 'uri', 'type', '', 'a.b', 'sweepSettings', 'x'.repeat(300)),
  fc.string({ maxLength: 12 }),
);

/** A right body with some of its values replaced, taken out or added to. */
const mutatedOf = (...right: object[]) =>
  fc
    .tuple(
      fc.constantFrom(...right),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'add'), odd, key), { maxLength: 4 }),
    )
    .map(([body, changes]) => {
      let made: unknown = structuredClone(body);
      for (const [place, how, shared, added] of changes) {
        // Lest it becomes a part of itself.
        const value = structuredClone(shared);
        const places = placesIn(made);
        const at = places[place % places.length];
        if (at.length === 0) {
          if (how === 'replace' && place % 7 === 0) made = value;
          continue;
        }
        let holder = made as Record<string | number, unknown>;
        for (const part of at.slice(0, -1)) holder = holder[part] as Record<string | number, unknown>;
        const last = at[at.length - 1];
        if (how === 'replace') holder[last] = value;
        else if (how === 'remove') delete holder[last];
        else if (!Array.isArray(holder))
          Object.defineProperty(holder, added, { value, enumerable: true, configurable: true, writable: true });
      }
      return JSON.stringify(made);
    });
const body = fc.oneof(
  { weight: 6, arbitrary: mutatedOf(...bodies) },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '['.repeat(100_000),
      `{"a":${'[1,'.repeat(2000)}`,
      `{"x":"${'y'.repeat(1_100_000)}"}`,
    ),
  },
  { weight: 1, arbitrary: fc.json() },
);
const method = fc.constantFrom('GET', 'PUT', 'PUT', 'PUT', 'POST', 'PATCH', 'DELETE');
const header = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { 'if-match': '"x"' },
  { 'if-none-match': '*' },
  { 'content-type': 'text/plain' },
  { 'x-ms-client-request-id': 'a\tb' },
);

/** Requests that mean something but for a detail or two. */
const directed = fc
  .tuple(
    fc.nat(bodies.length - 1),
    fc.constantFrom('j', 'k', 'pets', 'm'),
    fc.constantFrom('1', '2', '3'),
    fc.constantFrom('blue', 'green', 'grey'),
  )
  .chain(([which, of, version, deployment]) => {
    const [how, place] = places(of, version, deployment)[which];
    const as = fc.constantFrom<Role | 'nobody'>('contributor', 'owner');
    const where = place.startsWith('/') ? place : `${scopePath}/${place}`.replace(/\/$/, '');
    const noQuery = fc.constant<[string, string][]>([]);
    return fc.tuple(fc.constant(how), fc.constant(where), noQuery, mutatedOf(bodies[which]), header, as);
  });
const wild = fc.tuple(
  method,
  path,
  query,
  body,
  header,
  fc.constantFrom<Role | 'nobody'>('contributor', 'owner', 'reader', 'nobody'),
);
const request = fc.oneof(directed, wild);

test('no request makes the server fail, tells what it must not, or writes where it must not', async (t) => {
  const { ask, folder, place, registry, log } = await servedWorkspace(t);
  writeFileSync(join(folder, 'secret'), secret);
  const data = join(place.folder, 'datastores', 'workspaceblobstore', 'pets');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'MLTable'), 'paths: []\n');
  const uri = 'azureml://datastores/workspaceblobstore/paths/pets';
  const made = await ask('PUT', 'data/pets/versions/1', {
    body: { properties: { dataType: 'mltable', dataUri: uri } },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const model = { name: 'colours', path: colours, type: 'mlflow_model' } as const;
  await registry.createModel(model, { baseFolder: null, anywhere: true });
  await ask('PUT', 'onlineEndpoints/pets', { body: { properties: { authMode: 'Key' } } });
  for (const name of ['blue', 'green']) {
    const body = { properties: { endpointComputeType: 'Managed', model: 'azureml:colours:1' } };
    const made = await ask('PUT', `onlineEndpoints/pets/deployments/${name}`, { body });
    assert.equal(made.status, 201);
  }
  const outside = readdirSync(folder);
  const statuses = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(request, async ([how, where, asked, sent, headers, as]) => {
      const search = asked.map(
        ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value.toWellFormed())}`,
      );
      const target = `${where}${search.length > 0 ? `?${search.join('&')}` : ''}`;
      const hasBody = how !== 'GET' && how !== 'DELETE';
      // Who asks for endpoints does not wait for what no keeper does.
      const signal = /online|operations/i.test(where) ? AbortSignal.abort() : undefined;
      const answer = await ask(how, target, { as, headers, ...(hasBody && { body: sent }), ...(signal && { signal }) });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const { fault } = log[log.length - 1];
      assert.ok(answer.status < 500, String(fault instanceof Error ? fault.stack : fault));
      const text = JSON.stringify(answer.body);
      assert.ok(!text.includes(secret));
      if (answer.status >= 400) {
        assert.ok(typeof answer.body.error.code === 'string' && answer.body.error.message.length > 0, text);
        assert.ok(text.length < 200_000, 'errors repeat little of what was sent');
      }
      assert.deepEqual(readdirSync(folder), outside);
    }),
    { seed, numRuns: runs },
  );
  t.diagnostic(`seed ${seed}, ${runs} requests: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`);
});
