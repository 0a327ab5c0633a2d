import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { batchPaths } from '../endpoints/batch/batch-job.ts';
import { here, newDeployment, newEndpoint } from '../fixtures/batch-workspace.ts';
import { remoteWorkspace } from '../fixtures/remote-workspace.ts';
import { Refusal } from '../refusal.ts';
import { connect } from './connection.ts';
import { openRemoteBatchEndpoints, openRemoteWorkspace } from './index.ts';
import { lastingRecord } from './lasting.ts';

const picture = new URL('../../data/fixtures/img_a.png', import.meta.url);
const refused = (code: string) => (error: unknown) => {
  assert.ok(error instanceof Refusal, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

test("pictures of this machine are scored by a server's batch endpoints; what tables name is sent, too", async (t) => {
  const { address, folder, place, store } = await remoteWorkspace(t);
  const batch = await openRemoteBatchEndpoints(address('contributor'));
  const reader = await openRemoteBatchEndpoints(address('reader'));
  const workspace = await openRemoteWorkspace(address('reader'));
  t.after(() => Promise.all([batch.close(), reader.close(), workspace.close()]));
  await assert.rejects(reader.put(newEndpoint('shapes')), refused('AuthorizationFailed'));
  assert.equal((await batch.put(newEndpoint('shapes'))).revision, 1);
  const blue = await batch.deploy(newDeployment('shapes', 'blue', 'colours'), here('/'), { setDefault: true });
  assert.equal(blue.model, 'azureml:shapes-blue:1');
  const again = await batch.deploy({ ...blue, description: 'again' }, here('/'), { revision: blue.revision });
  assert.deepEqual([again.model, again.description, again.revision], ['azureml:shapes-blue:1', 'again', 2]);
  assert.deepEqual([(await batch.list()).length, (await batch.listDeployments('shapes')).length], [1, 1]);
  assert.equal((await batch.find('shapes')).defaults.deployment_name, 'blue');
  assert.equal((await batch.findDeployment('shapes', 'blue')).model, blue.model);

  const pictures = join(folder, 'here', 'pictures');
  const tables = join(folder, 'here', 'tables');
  for (const made of [join(pictures, 'deep'), tables]) mkdirSync(made, { recursive: true });
  for (const name of ['a.png', 'b.png', 'deep/c.png']) copyFileSync(picture, join(pictures, name));
  writeFileSync(join(tables, 'some.csv'), 'image\n../pictures/a.png\n../pictures/gone.png\n');
  writeFileSync(join(tables, 'odd.csv'), `image\n${pictures}/a.png\n`);
  const where = { baseFolder: join(folder, 'here'), anywhere: true };
  const scored = (job: string) =>
    readFileSync(batchPaths(place, job).list, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ name, source }) => `${name} ${source.kind}`);
  const invoke = (input: string, jobName: string) => batch.invoke({ endpoint: 'shapes', input, jobName }, where);

  const record = await invoke('pictures', 'whole');
  assert.deepEqual([record.type, record.status, record.batch?.files], ['batch', 'Queued', 3]);
  assert.deepEqual(
    [record.batch?.input, record.batch?.log],
    ['pictures', 'azureml://jobs/whole/outputs/logs/batch.log'],
  );
  assert.deepEqual(scored('whole'), ['a.png file', 'b.png file', 'deep/c.png file']);
  await invoke('pictures/*.png', 'some');
  assert.deepEqual(scored('some'), ['a.png file', 'b.png file']);
  await invoke('tables/some.csv', 'table');
  assert.deepEqual(scored('table'), ['../pictures/a.png file', '../pictures/gone.png fault']);
  await assert.rejects(invoke('tables/odd.csv', 'odd'), /names its pictures by paths from its own folder/);
  await assert.rejects(invoke('nothing', 'odd'), refused('InputNotFound'));
  await assert.rejects(invoke('https://example.com/a.png', 'odd'), refused('UnsupportedPath'));
  await assert.rejects(invoke('pictures', 'whole'), refused('JobExists'));
  await assert.rejects(
    batch.invoke({ endpoint: 'shapes', input: 'pictures', output: 'results' }, where),
    /fovea job download/,
  );
  assert.deepEqual(
    (await batch.jobs('shapes', { most: 2 })).map(({ name }) => name),
    ['table', 'some'],
  );

  const { results } = batchPaths(place, 'whole');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'predictions.csv'), 'file\n');
  await store.jobs.transition('whole', { from: ['Queued'], to: 'Completed' });
  const listed = await workspace.artefacts('whole');
  assert.deepEqual(
    listed.map(({ path }) => path),
    ['predictions.csv'],
  );
  await workspace.saveArtefact('whole', listed[0], join(folder, 'fetched.csv'));
  assert.equal(readFileSync(join(folder, 'fetched.csv'), 'utf8'), 'file\n');

  // What is sent may name nothing of the server's machine.
  const connection = connect(address('contributor'));
  t.after(() => connection.close());
  const ask = (body: object) => lastingRecord(connection, ['POST', '/batch-endpoints/shapes/jobs', { body }]);
  for (const input of [folder, `file://${folder}`, `${folder}/*`, '../..', ''])
    await assert.rejects(ask({ input }), { name: 'Refusal' }, input);
  const upload = { upload: 'f'.repeat(64), path: 'a', given: 'a' };
  for (const pattern of ['../*', '/etc/*', 'a/../../*', '{..,a}/*', 7, '..'])
    await assert.rejects(ask({ upload, pattern }), { name: 'Refusal', target: 'pattern' }, String(pattern));
  await assert.rejects(ask({ upload }), refused('UploadNotFound'));
  await assert.rejects(ask({ input: 'azureml:x:1', explain: 'x' }), /explain should be one of/);
  await assert.rejects(ask({ input: 'azureml:x:1', miniBatchSize: '7' }), /whole number/);
  await assert.rejects(ask({ input: 'azureml:x:1', output: join(folder, 'out') }), { name: 'Refusal' });

  assert.equal(await batch.deleteDeployment('shapes', 'blue'), true);
  assert.deepEqual([await batch.delete('shapes'), await batch.delete('shapes')], [true, false]);
});

test('a table that is sent names no pictures around what was sent', async (t) => {
  const { address, folder, place } = await remoteWorkspace(t);
  const batch = await openRemoteBatchEndpoints(address('contributor'));
  t.after(() => batch.close());
  await batch.put(newEndpoint('shapes'));
  await batch.deploy(newDeployment('shapes', 'blue', 'colours'), here('/'), { setDefault: true });
  const tables = join(folder, 'here');
  mkdirSync(tables);
  copyFileSync(picture, join(place.folder, 'secret.png'));
  const up = '../'.repeat(9);
  const rows = [`${up}secret.png`, `${up}${place.folder.slice(1)}/secret.png`, '../../../../../secret.png'];
  writeFileSync(join(tables, 'odd.csv'), `image\n${rows.join('\n')}\n`);
  await batch.invoke({ endpoint: 'shapes', input: join(tables, 'odd.csv'), jobName: 'odd' }, here('/'));
  const listed = readFileSync(batchPaths(place, 'odd').list, 'utf8').trim().split('\n');
  assert.deepEqual(
    listed.map((line) => JSON.parse(line).source.kind),
    ['fault', 'fault', 'fault'],
  );
});
