import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Answer, scopePath, servedWorkspace } from '../fixtures/served-workspace.ts';
import { RequestRate } from '../server/request-rate.ts';
import { jobFromRest } from './job-translation.ts';

const classification = (uri = 'azureml:pets:1', more: object = {}) => ({
  properties: {
    jobType: 'AutoML',
    ...more,
    taskDetails: {
      ...{ taskType: 'ImageClassification', targetColumnName: 'label' },
      trainingData: { jobInputType: 'mltable', uri },
      modelSettings: { modelName: 'resnet18' },
    },
  },
});

function labelled(folder: string): string {
  const data = join(folder, 'pets');
  mkdirSync(data);
  writeFileSync(join(data, 'MLTable'), 'paths:\n  - file: ./labels.jsonl\n');
  writeFileSync(join(data, 'labels.jsonl'), '{"image_url": "a.png", "label": "cat"}\n');
  return data;
}

const dataBody = (dataUri: string) => ({ properties: { dataType: 'mltable', dataUri, tags: { of: 'us' } } });
const fails = ({ status, body }: Answer, expected: number, code: string) => {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(body.error.code, code, body.error.message);
};

test('nothing is answered without a token, and no more than its role allows', async (t) => {
  const { ask, folder, app } = await servedWorkspace(t);
  const data = labelled(folder);
  fails(await ask('GET', 'jobs', { as: 'nobody' }), 401, 'InvalidAuthenticationToken');
  fails(
    await ask('GET', 'jobs', { as: 'nobody', headers: { authorization: 'Bearer fovea.a-owner.x' } }),
    401,
    'InvalidAuthenticationToken',
  );
  fails(await ask('GET', '/nowhere', { as: 'nobody' }), 401, 'InvalidAuthenticationToken');
  assert.equal((await ask('GET', 'jobs', { as: 'reader' })).status, 200);
  fails(await ask('PUT', 'data/pets/versions/1', { as: 'reader', body: dataBody(data) }), 403, 'AuthorizationFailed');
  // Files of the machine are the owner's to name, and data that he has named everybody's to use.
  fails(await ask('PUT', 'data/pets/versions/1', { as: 'contributor', body: dataBody(data) }), 403, 'PathNotAllowed');
  fails(
    await ask('PUT', 'data/pets/versions/1', { as: 'contributor', body: dataBody('/etc/nothing') }),
    403,
    'PathNotAllowed',
  );
  fails(await ask('PUT', 'jobs/j', { as: 'contributor', body: classification(data) }), 403, 'PathNotAllowed');
  assert.equal((await ask('PUT', 'data/pets/versions/1', { as: 'owner', body: dataBody(data) })).status, 201);
  assert.equal((await ask('PUT', 'jobs/j', { as: 'contributor', body: classification() })).status, 201);
  fails(await ask('POST', 'jobs/j/cancel', { as: 'reader' }), 403, 'AuthorizationFailed');
  fails(await ask('PATCH', '', { as: 'contributor', body: { tags: {} } }), 403, 'AuthorizationFailed');
  assert.equal((await app.request('https://localhost/healthz')).status, 200);
});

test('without tokens only programs of the machine are answered, not pages in its browser', async (t) => {
  const { ask } = await servedWorkspace(t, { noAuth: true });
  const as = 'nobody';
  assert.equal((await ask('GET', 'jobs', { as, headers: { host: 'localhost:7040' } })).status, 200);
  const foreign: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: 'localhost', origin: 'https://evil.example' },
    { host: 'localhost', origin: 'null' },
    { host: 'localhost', 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) fails(await ask('GET', 'jobs', { as, headers }), 403, 'ForeignOrigin');
});

test('a version of the interface must be said; fixed words of paths have any case', async (t) => {
  const { ask, app, bearer } = await servedWorkspace(t);
  const headers = { authorization: `Bearer ${bearer.reader}` };
  const missing = await app.request(`https://localhost${scopePath}/jobs`, { headers });
  assert.equal(missing.status, 400);
  assert.equal(((await missing.json()) as { error: { code: string } }).error.code, 'MissingApiVersionParameter');
  fails(await ask('GET', 'jobs?api-version=latest'), 400, 'InvalidApiVersionParameter');
  assert.equal((await ask('GET', 'jobs?api-version=2023-02-01-preview')).status, 200);
  assert.equal((await ask('GET', `${scopePath.replace('resourceGroups', 'resourcegroups')}/JOBS/`)).status, 200);
});

test('a job: made once, read, changed in tags alone, put away, removed', async (t) => {
  const { ask, folder, store } = await servedWorkspace(t);
  await ask('PUT', 'data/pets/versions/1', { body: dataBody(labelled(folder)) });
  fails(await ask('GET', 'jobs/j'), 404, 'JobNotFound');
  fails(await ask('PUT', 'jobs/j', { body: classification('azureml:cats:1') }), 400, 'DataNotFound');
  fails(await ask('PUT', 'jobs/j', { body: classification('azureml:pets:2') }), 400, 'DataNotFound');
  const made = await ask('PUT', 'jobs/j', { body: classification() });
  assert.equal(made.status, 201);
  assert.equal(made.body.id, `${scopePath}/jobs/j`);
  assert.equal(made.body.type, 'Microsoft.MachineLearningServices/workspaces/jobs');
  assert.equal(made.body.properties.status, 'Queued');
  assert.equal(made.body.properties.experimentName, 'Default');
  assert.deepEqual((await ask('GET', 'jobs/j')).body, made.body);

  // What was read may be sent back, and what the published client makes of it, which lacks most.
  assert.equal((await ask('PUT', 'jobs/j', { body: made.body })).status, 200);
  const { taskDetails } = made.body.properties;
  const lossy = { taskType: taskDetails.taskType, targetColumnName: 'label', trainingData: taskDetails.trainingData };
  const tagged = { properties: { jobType: 'AutoML', tags: { a: 'b' }, taskDetails: lossy } };
  const changed = await ask('PUT', 'jobs/j', { body: tagged });
  assert.deepEqual([changed.status, changed.body.properties.tags], [200, { a: 'b' }]);
  const other = await ask('PUT', 'jobs/j', { body: classification('azureml:pets:1', { displayName: 'other' }) });
  fails(other, 409, 'JobExists');
  assert.equal(other.body.error.target, 'properties.displayName');

  const archive = { properties: { ...made.body.properties, isArchived: true } };
  fails(await ask('PUT', 'jobs/j', { body: archive }), 409, 'JobNotEnded');
  fails(await ask('DELETE', 'jobs/j'), 409, 'JobNotEnded');
  const cancel = await ask('POST', 'jobs/j/cancel');
  assert.equal(cancel.status, 202);
  const poll = new URL(cancel.headers.get('location') as string);
  assert.equal((await ask('GET', poll.pathname + poll.search)).status, 202);
  await store.jobs.transition('j', { from: ['CancelRequested'], to: 'Canceled' });
  assert.equal((await ask('GET', poll.pathname + poll.search)).status, 204);

  assert.equal((await ask('PUT', 'jobs/j', { body: archive })).body.properties.isArchived, true);
  const names = async (view: string) =>
    (await ask('GET', `jobs?listViewType=${view}`)).body.value.map(({ name }: { name: string }) => name);
  assert.deepEqual([await names('ActiveOnly'), await names('ArchivedOnly'), await names('All')], [[], ['j'], ['j']]);
  assert.equal((await ask('DELETE', 'jobs/j')).status, 200);
  assert.equal((await ask('DELETE', 'jobs/j')).status, 204);
});

test('a job that names the latest data is answered as it was asked for', async (t) => {
  const { ask, folder } = await servedWorkspace(t);
  await ask('PUT', 'data/pets/versions/1', { body: dataBody(labelled(folder)) });
  assert.equal((await ask('PUT', 'jobs/j', { body: classification('azureml:pets@latest') })).status, 201);
  assert.equal((await ask('PUT', 'jobs/k', { body: classification(`${scopePath}/data/pets/versions/1`) })).status, 201);
});

test('lists come in parts that lose and repeat nothing, by what is asked for', async (t) => {
  const { ask, store } = await servedWorkspace(t);
  const { job: spec } = jobFromRest('j', classification().properties);
  for (let i = 0; i < 130; i++) {
    await store.jobs.add({
      ...{ name: `j${i}`, type: 'automl', display_name: 'd', experiment_name: 'e', setting: {} },
      spec,
      tags: i % 2 ? { odd: 'yes' } : {},
    });
  }
  const all = async (path: string): Promise<string[]> => {
    const found: string[] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const { status, body }: Answer = await ask('GET', next);
      assert.equal(status, 200, JSON.stringify(body));
      found.push(...body.value.map(({ name }: { name: string }) => name));
      next = body.nextLink && new URL(body.nextLink).pathname + new URL(body.nextLink).search;
    }
    return found;
  };
  assert.deepEqual(
    await all('jobs'),
    Array.from({ length: 130 }, (_, i) => `j${129 - i}`),
  );
  assert.equal((await all('jobs?tag=odd=yes')).length, 65);
  assert.equal((await all('jobs?jobType=AutoML')).length, 130);
  assert.equal((await all('jobs?jobType=Command')).length, 0);
  for (const skip of ['1', 'x', '%00', Buffer.from('1.2').toString('base64url')]) {
    fails(await ask('GET', `jobs?$skip=${skip}`), 400, 'InvalidContinuation');
  }
});

test('data and models: containers, versions, what does not change, and conditions', async (t) => {
  const { ask, folder } = await servedWorkspace(t);
  const data = labelled(folder);
  const made = await ask('PUT', 'data/pets/versions/1', { body: dataBody(data), headers: { 'if-none-match': '*' } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  fails(
    await ask('PUT', 'data/pets/versions/1', { body: dataBody(data), headers: { 'if-none-match': '*' } }),
    412,
    'PreconditionFailed',
  );
  assert.equal((await ask('PUT', 'data/pets/versions/1', { body: dataBody(data) })).status, 200);
  fails(await ask('PUT', 'data/pets/versions/1', { body: dataBody(folder) }), 409, 'VersionExists');
  const stale = { 'if-match': '"stale"' };
  fails(await ask('PUT', 'data/pets/versions/1', { body: dataBody(data), headers: stale }), 412, 'PreconditionFailed');
  const etag = (await ask('GET', 'data/pets/versions/1')).headers.get('etag') as string;
  const right = await ask('PUT', 'data/pets/versions/1', {
    ...{ headers: { 'if-match': etag }, body: { properties: { dataType: 'mltable', description: 'better' } } },
  });
  assert.deepEqual(
    [right.status, right.body.properties.description, right.body.properties.tags],
    [200, 'better', { of: 'us' }],
  );

  for (const version of ['2', '3']) await ask('PUT', `data/pets/versions/${version}`, { body: dataBody(data) });
  const container = (await ask('GET', 'data/pets')).body.properties;
  assert.deepEqual([container.latestVersion, container.nextVersion, container.dataType], ['3', '4', 'mltable']);
  const versions = async (query: string) =>
    (await ask('GET', `data/pets/versions?${query}`)).body.value.map(({ name }: { name: string }) => name);
  assert.deepEqual(await versions(''), ['3', '2', '1']);
  assert.deepEqual(await versions('$orderBy=createdAt asc'), ['1', '2', '3']);
  const first = (await ask('GET', 'data/pets/versions?$top=2&$orderBy=createdAt%20asc')).body;
  const { pathname, search } = new URL(first.nextLink);
  assert.deepEqual(
    (await ask('GET', pathname + search)).body.value.map(({ name }: { name: string }) => name),
    ['3'],
  );
  await ask('PUT', 'data/pets/versions/3', { body: { properties: { dataType: 'mltable', isArchived: true } } });
  assert.deepEqual(await versions(''), ['2', '1']);
  assert.equal((await ask('GET', 'data/pets')).body.properties.latestVersion, '2');

  const model = join(folder, 'model');
  mkdirSync(model);
  writeFileSync(
    join(model, 'MLmodel'),
    'flavors:\n  python_function:\n    loader_module: x\n    env: {conda: conda.yaml}\n',
  );
  const modelBody = (properties: object) => ({
    properties: { modelUri: model, modelType: 'mlflow_model', ...properties },
  });
  fails(await ask('PUT', 'models/m/versions/1', { body: modelBody({ modelUri: data }) }), 400, 'ValidationError');
  fails(await ask('PUT', 'models/m/versions/1', { body: modelBody({ modelType: 'pickle' }) }), 400, 'ValidationError');
  fails(await ask('PUT', 'models/m/versions/1', { body: modelBody({ jobName: 'x' }) }), 400, 'ValidationError');
  fails(
    await ask('PUT', 'models/m/versions/1', {
      body: modelBody({ modelUri: 'azureml://jobs/x/outputs/artifacts/outputs/' }),
    }),
    404,
    'PathNotFound',
  );
  const registered = await ask('PUT', 'models/m/versions/1', { body: modelBody({}) });
  assert.equal(registered.status, 201, JSON.stringify(registered.body));
  assert.deepEqual(registered.body.properties.flavors, {
    python_function: { data: { loader_module: 'x', env: '{"conda":"conda.yaml"}' } },
  });
  assert.equal((await ask('PUT', 'models/m/versions/1', { body: registered.body })).status, 200);
  assert.equal((await ask('DELETE', 'models/m/versions/1')).status, 200);
  assert.equal((await ask('DELETE', 'models/m/versions/1')).status, 204);
  assert.equal((await ask('PUT', 'models/other', { body: { properties: { description: 'd' } } })).status, 201);
  assert.deepEqual(
    (await ask('GET', 'models')).body.value.map(({ name }: { name: string }) => name),
    ['other', 'm'],
  );
  assert.equal((await ask('DELETE', 'models/other')).status, 200);
  assert.equal((await ask('DELETE', 'data/pets')).status, 200);
  fails(await ask('GET', 'data/pets/versions/1'), 404, 'ResourceNotFound');
});

test('environments, computes, datastores and the workspace itself', async (t) => {
  const { ask } = await servedWorkspace(t);
  const environment = { properties: { image: 'debian:12', osType: 'Linux' } };
  assert.equal((await ask('PUT', 'environments/e/versions/1', { body: environment })).status, 201);
  assert.equal((await ask('GET', 'environments/e/versions/1')).body.properties.image, 'debian:12');
  fails(await ask('PUT', 'environments/e/versions/1', { body: { properties: { image: 'x' } } }), 409, 'VersionExists');
  fails(await ask('PUT', 'environments/e/versions/2', { body: { properties: { imag: 'x' } } }), 400, 'ValidationError');
  assert.equal((await ask('GET', 'computes')).body.value.length, 1);
  assert.equal((await ask('GET', 'computes/local')).body.properties.provisioningState, 'Succeeded');
  fails(await ask('GET', 'computes/gpu'), 404, 'ComputeNotFound');
  fails(await ask('PUT', 'computes/gpu', { body: {} }), 400, 'ValidationError');
  fails(await ask('PUT', 'computes/local', { body: {} }), 400, 'ComputeIsMachine');
  assert.equal((await ask('GET', 'datastores')).body.value[0].properties.isDefault, true);
  fails(await ask('GET', 'datastores/lake'), 404, 'DatastoreNotFound');
  const changed = await ask('PATCH', '', { body: { tags: { a: 'b' }, properties: { friendlyName: 'Lab' } } });
  assert.deepEqual([changed.body.tags, changed.body.properties.friendlyName], [{ a: 'b' }, 'Lab']);
  assert.equal((await ask('GET', '')).body.properties.friendlyName, 'Lab');
  const group = scopePath.slice(0, scopePath.lastIndexOf('/'));
  assert.equal((await ask('GET', group)).body.value.length, 1);
  const all = '/subscriptions/s/providers/Microsoft.MachineLearningServices/workspaces';
  assert.equal((await ask('GET', all)).body.value.length, 1);
  assert.equal((await ask('GET', group.replace('/vision/', '/our.group_(1)/'))).status, 200);
  fails(await ask('DELETE', ''), 409, 'WorkspaceInUse');
});

test('who asks too often is told when to ask again', async (t) => {
  let now = 0;
  const { ask } = await servedWorkspace(t, { rate: new RequestRate(3, 2, () => now) });
  for (let i = 0; i < 3; i++) assert.equal((await ask('GET', 'jobs')).status, 200);
  const refused = await ask('GET', 'jobs');
  fails(refused, 429, 'TooManyRequests');
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await ask('GET', 'jobs', { as: 'reader' })).status, 200);
  now += 1000;
  assert.equal((await ask('GET', 'jobs')).status, 200);
});
