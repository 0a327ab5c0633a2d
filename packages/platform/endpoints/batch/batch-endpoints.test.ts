import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawnShapes, here, newDeployment, newEndpoint } from '../../fixtures/batch-workspace.ts';
import { type FreshDatabase, onBothDatabases } from '../../fixtures/both-databases.ts';
import { placeOf } from '../../place.ts';
import type { Refusal } from '../../refusal.ts';
import { createRegistry } from '../../registry/registry.ts';
import { batchPaths } from './batch-job.ts';
import { createBatchEndpoints } from './create-batch-endpoints.ts';

/** Batch endpoints in a database, with nobody who works on jobs. */
async function opened({ address, open }: FreshDatabase) {
  const store = await open();
  const place = placeOf(address);
  return { store, place, batch: createBatchEndpoints(place, store, createRegistry(place, store), async () => {}) };
}

const refused = (code: string, message: RegExp) => (error: unknown) => {
  const { name, code: was, message: said } = error as Refusal;
  return name === 'Refusal' && was === code && message.test(said);
};

onBothDatabases('endpoints and deployments are stored, changed, and removed together', async (database) => {
  const { batch } = await opened(database);
  const where = here('/');
  assert.equal((await batch.put(newEndpoint('pets-batch'))).revision, 1);
  await assert.rejects(batch.put(newEndpoint('no good')), refused('InvalidName', /cannot be the name/));
  await assert.rejects(
    batch.put(newEndpoint('pets-batch'), { revision: 7 }),
    refused('ChangedMeanwhile', /somebody else/),
  );
  await assert.rejects(
    batch.put({ ...newEndpoint('pets-batch'), defaults: { deployment_name: 'blue' } }),
    refused('DeploymentNotFound', /no deployment blue/),
  );
  await assert.rejects(
    batch.deploy(newDeployment('nowhere', 'blue', 'colours'), where),
    refused('EndpointNotFound', /no batch endpoint nowhere/),
  );

  const blue = await batch.deploy(newDeployment('pets-batch', 'blue', 'colours'), where, {
    create: true,
    setDefault: true,
  });
  assert.equal(blue.model, 'azureml:pets-batch-blue:1');
  assert.equal((await batch.find('pets-batch')).defaults.deployment_name, 'blue');
  await assert.rejects(
    batch.deploy(newDeployment('pets-batch', 'blue', 'colours'), where, { create: true }),
    refused('DeploymentExists', /already/),
  );
  // What says nothing of the default leaves it.
  const described = await batch.put({ ...newEndpoint('pets-batch'), description: 'pets' });
  assert.deepEqual([described.defaults.deployment_name, described.description], ['blue', 'pets']);
  const again = await batch.deploy(
    newDeployment('pets-batch', 'blue', 'azureml:pets-batch-blue@latest', { mini_batch_size: 3 }),
    where,
  );
  assert.deepEqual([again.model, again.settings.mini_batch_size, again.revision], ['azureml:pets-batch-blue:1', 3, 2]);
  await assert.rejects(
    batch.deploy(
      { ...newDeployment('pets-batch', 'blue', 'colours'), resources: { instance_count: 0, instance_type: null } },
      where,
    ),
    refused('ValidationError', /instance_count should be a whole number, 1 to 50/),
  );
  await assert.rejects(
    batch.deploy(newDeployment('pets-batch', 'red', 'azureml:none:1'), where),
    refused('ModelNotFound', /azureml:none:1/),
  );

  await batch.deploy(newDeployment('pets-batch', 'red', 'azureml:pets-batch-blue:1'), where);
  assert.deepEqual(
    (await batch.listDeployments('pets-batch')).map(({ name }) => name),
    ['red', 'blue'],
  );
  assert.equal(await batch.deleteDeployment('pets-batch', 'blue'), true);
  assert.equal(await batch.deleteDeployment('pets-batch', 'blue'), false);
  assert.equal((await batch.find('pets-batch')).defaults.deployment_name, null);
  await assert.rejects(
    batch.findDeployment('pets-batch', 'blue'),
    refused('DeploymentNotFound', /has no deployment blue/),
  );
  assert.equal(await batch.delete('pets-batch'), true);
  assert.equal(await batch.delete('pets-batch'), false);
  await assert.rejects(batch.find('pets-batch'), refused('EndpointNotFound', /pets-batch/));
  await batch.put(newEndpoint('pets-batch'));
  assert.deepEqual(await batch.listDeployments('pets-batch'), []);
  assert.deepEqual(
    (await batch.list()).map(({ name }) => name),
    ['pets-batch'],
  );
});

onBothDatabases('an invocation becomes a job, with its input listed', async (database) => {
  const { batch, place, store } = await opened(database);
  const where = here(drawnShapes);
  await batch.put(newEndpoint('pets-batch'));
  const ask = { endpoint: 'pets-batch', input: 'disc' };
  await assert.rejects(batch.invoke(ask, where), refused('NoDefaultDeployment', /no deployment yet/));
  await batch.deploy(newDeployment('pets-batch', 'blue', 'colours'), where);
  // The only one needs no name.
  const job = await batch.invoke({ ...ask, jobName: 'first', miniBatchSize: 7, tags: { by: 'me' } }, where);
  assert.deepEqual(
    [job.name, job.type, job.status, job.experiment_name, job.tags],
    ['first', 'batch', 'Queued', 'pets-batch', { by: 'me' }],
  );
  const { files, done, endpoint, deployment, model } = job.batch ?? {};
  assert.deepEqual(
    [files, done, endpoint, deployment, model],
    [30, 0, 'pets-batch', 'blue', 'azureml:pets-batch-blue:1'],
  );
  const lines = readFileSync(batchPaths(place, 'first').list, 'utf8').trimEnd().split('\n');
  assert.deepEqual(JSON.parse(lines[0]).source.path, join(drawnShapes, 'disc/0.png'));
  assert.equal(lines.length, 30);

  await batch.deploy(newDeployment('pets-batch', 'red', 'colours'), where);
  await assert.rejects(batch.invoke(ask, where), refused('NoDefaultDeployment', /red, blue/));
  const other = await batch.invoke({ ...ask, deployment: 'red', instanceCount: 2 }, where);
  assert.deepEqual(
    (await batch.jobs('pets-batch')).map(({ name }) => name),
    [other.name, 'first'],
  );
  assert.deepEqual(
    (await batch.jobs('pets-batch', { deployment: 'blue' })).map(({ name }) => name),
    ['first'],
  );
  assert.deepEqual(
    (await batch.jobs('pets-batch', { most: 1 })).map(({ name }) => name),
    [other.name],
  );

  const blue = { ...ask, deployment: 'blue' };
  for (const [more, code, message] of [
    [{ jobName: 'first' }, 'JobExists', /there is a job called first already/],
    [{ jobName: '../x' }, 'InvalidName', /cannot be the name/],
    [{ deployment: 'green' }, 'DeploymentNotFound', /no deployment green/],
    [{ input: 'nothing' }, 'InputNotFound', /nothing is not there/],
    [{ input: '*.gif' }, 'InputEmpty', /no file fits/],
    [{ input: 'azureml:none:1' }, 'DataNotFound', /no data azureml:none:1/],
    [{ input: 'https://example.org/' }, 'UnsupportedPath', /cannot be read by this release/],
    [{ miniBatchSize: 0 }, 'ValidationError', /mini_batch_size/],
    [{ output: 'disc/0.png/x' }, 'ValidationError', /cannot be written to/],
  ] as const) {
    await assert.rejects(batch.invoke({ ...blue, ...more }, where), refused(code, message), JSON.stringify(more));
  }
  // Files of this machine are for owners.
  const server = { baseFolder: null, anywhere: false };
  await assert.rejects(batch.invoke({ ...blue, input: drawnShapes }, server), refused('PathNotAllowed', /for owners/));
  assert.equal((await store.jobs.list()).rows.length, 2, 'what was refused left nothing');
});
