import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { servedWorkspace } from '../fixtures/served-workspace.ts';
import { protocol, protocolHeader } from '../wire/protocol.ts';

const job = (path: string, more = '') => `type: automl
name: sent
task: image_classification
target_column_name: label
training_data: {path: ${path}}
training_parameters: {model_name: mobilenetv2${more}}
`;

const submitted = (answer: { body: unknown }) => JSON.stringify(answer.body);

async function served(t: TestContext) {
  const { ask, ...rest } = await servedWorkspace(t);
  type Asking = Parameters<typeof ask>[2];
  return { ...rest, ask: (method: string, path: string, asking?: Asking) => ask(method, `/fovea/v1${path}`, asking) };
}

test('every answer says which version the server speaks, and who speaks another is told', async (t) => {
  const { ask } = await served(t);
  for (const asked of [ask('GET', '/jobs'), ask('GET', '/nothing'), ask('GET', '/jobs', { as: 'nobody' })])
    assert.equal((await asked).headers.get(protocolHeader), String(protocol));
  const other = await ask('GET', '/jobs', { headers: { [protocolHeader]: '99' } });
  assert.deepEqual([other.status, other.body.error.code], [400, 'OtherProtocol']);
  assert.equal(other.headers.get(protocolHeader), String(protocol));
});

test('a job that is sent is checked again, and names no files of the server', async (t) => {
  const { ask, folder, store } = await served(t);
  mkdirSync(join(folder, 'secret', 'a'), { recursive: true });
  const send = (body: unknown, as: 'contributor' | 'owner' | 'reader' = 'contributor') =>
    ask('POST', '/jobs', { body, as });
  assert.equal((await send({ job: job('x') }, 'reader')).status, 403);
  for (const path of [
    join(folder, 'secret'),
    `file://${folder}/secret`,
    '../../secret',
    'azureml://datastores/workspaceblobstore/paths/../../..',
  ])
    for (const as of ['contributor', 'owner'] as const) {
      const answer = await send({ job: job(path) }, as);
      assert.ok([400, 403, 404].includes(answer.status), `${path}: ${submitted(answer)}`);
    }
  const forbidden = await send({
    job: job('azureml:pets:1', `, checkpoint_dataset_id: ${folder}, checkpoint_filename: workspace.json`),
  });
  assert.equal(forbidden.status, 403, submitted(forbidden));
  const wrong = await send({ job: job('azureml:pets:1', ', learning_rate: 7') });
  assert.deepEqual([wrong.status, wrong.body.issues.length, wrong.body.issues[0].line], [400, 1, 6]);
  const bodies = [
    ...[
      {},
      { job: 7 },
      { job: job('x'), uploads: [] },
      { job: job('x'), uploads: { other: {} } },
      { job: job('x'), sets: [] },
    ],
    ...[
      { job: job('x'), weights: '/etc/passwd' },
      { job: job('x'), uploads: { weights: { upload: 'x', path: '..', given: '' } } },
    ],
    ...[
      { job: job('x'), fitToData: 'yes' },
      { job: '{'.repeat(50_000) },
      { job: 'a: &a [*a]' },
      { job: 'x'.repeat(900_000) },
    ],
  ];
  for (const body of bodies) assert.equal((await send(body)).status, 400, JSON.stringify(body).slice(0, 100));
  const deep = `{"job":${'['.repeat(100)}${']'.repeat(100)}}`;
  assert.equal((await ask('POST', '/jobs', { body: deep })).status, 400);
  assert.equal((await ask('POST', '/jobs', { body: `{"job":"${'x'.repeat(2 << 20)}"}` })).status, 413);
  assert.equal(await store.jobs.find('sent'), null);
});

test('names in addresses lead nowhere else, and odd questions are refused', async (t) => {
  const { ask, store } = await served(t);
  await store.jobs.add({ ...newJob('done'), status: 'Completed' });
  await store.trials.add(newTrial('done', 0));
  for (const name of ['..%2fdone', '%2e%2e', 'a%00b', 'x'.repeat(300), '.done', 'd%C3%B6ne'])
    for (const path of [`/jobs/${name}`, `/trials/${name}/log`, `/models/${name}/versions/1`, `/jobs/${name}/events`])
      assert.ok([400, 404].includes((await ask('GET', path, { as: 'reader' })).status), path);
  for (const query of ['archived=x', 'most=0', 'most=-1', 'most=1e9', 'most=99999999999'])
    assert.equal((await ask('GET', `/jobs?${query}`)).status, 400, query);
  for (const after of ['x', '[]', '{"a":-1}', '{"a":"b"}', '{"a":1.5}', '7'])
    assert.equal((await ask('GET', `/jobs/done/events?after=${encodeURIComponent(after)}`)).status, 400, after);
  for (const version of ['..', '@', '@%2e%2e', '%2f'])
    assert.ok([400, 404].includes((await ask('GET', `/models/m/versions/${version}`)).status), version);
});

test('of models and data changes what may change, by who may', async (t) => {
  const { ask, place } = await served(t);
  const folder = join(place.folder, 'datastores', 'workspaceblobstore', 'mine');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.txt'), 'a');
  const path = 'azureml://datastores/workspaceblobstore/paths/mine';
  const create = (body: object, as: 'contributor' | 'reader' = 'contributor') => ask('POST', '/models', { body, as });
  assert.equal((await create({ name: 'm', path }, 'reader')).status, 403);
  for (const body of [
    {},
    { name: 'm' },
    { name: '../m', path },
    { name: 'm', path, type: 'x' },
    { name: 'm', path, tags: [] },
    { name: 'm', path, given: 'x' },
  ])
    assert.equal((await create(body)).status, 400, JSON.stringify(body));
  assert.equal((await create({ name: 'm', path: place.folder })).status, 403, 'files of the server are not for others');
  assert.equal((await create({ name: 'm', path })).status, 201);
  assert.equal((await create({ name: 'm', path, version: '1' })).status, 409);
  const { body } = await ask('GET', '/models/m/versions/@latest/files', { as: 'reader' });
  assert.deepEqual(
    body.value.map(({ path, bytes }: { path: string; bytes: number }) => [path, bytes]),
    [['a.txt', 1]],
  );
  const file = (path: string, headers = {}) =>
    ask('GET', `/models/m/versions/1/file?path=${encodeURIComponent(path)}`, { as: 'reader', headers });
  assert.equal((await file('a.txt')).body, 'a');
  assert.equal((await file('../SHA256SUMS')).status, 404);
  assert.equal((await file('a.txt', { range: 'bytes=1-' })).status, 416);
  const changed = await ask('PATCH', '/models/m/versions/1', { body: { tags: { a: 'b' } }, as: 'contributor' });
  assert.deepEqual([changed.status, changed.body.tags], [200, { a: 'b' }]);
  for (const change of [{ spec: {} }, { tags: { a: 1 } }, { archived: 'yes' }, { description: 7 }])
    assert.equal((await ask('PATCH', '/models/m/versions/1', { body: change })).status, 400, JSON.stringify(change));
  assert.equal((await ask('PATCH', '/models/m', { body: { archived: true } })).status, 204);
  assert.deepEqual((await ask('GET', '/models')).body.value, []);
  assert.equal((await ask('DELETE', '/models/m/versions/1', { as: 'reader' })).status, 403);
  assert.deepEqual((await ask('DELETE', '/models/m/versions/1')).body, { removed: true });
});
