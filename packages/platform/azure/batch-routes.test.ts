import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { batchSettingOf, batchSpecOf } from '../endpoints/batch/batch-job.ts';
import { drawnShapes, servedModel } from '../fixtures/batch-workspace.ts';
import { type Answer, scopePath, servedWorkspace } from '../fixtures/served-workspace.ts';
import { datastoreFolder } from '../registry/locate.ts';

const fails = ({ status, body }: Answer, expected: number, code: string) => {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(body.error.code, code, body.error.message);
};
const endpoint = (more: object = {}) => ({ location: 'local', properties: { authMode: 'AADToken', ...more } });
const deployment = (more: object = {}) => ({
  location: 'local',
  properties: { model: { referenceType: 'Id', assetId: 'azureml:colours:1' }, compute: 'local', ...more },
});

/** A workspace with a model, a batch endpoint and its deployment. */
async function staged(t: TestContext) {
  const served = await servedWorkspace(t);
  const where = { baseFolder: null, anywhere: true };
  await served.registry.createModel({ name: 'colours', path: servedModel('colours'), type: 'mlflow_model' }, where);
  const { ask } = served;
  assert.equal((await ask('PUT', 'batchEndpoints/pets-batch', { as: 'contributor', body: endpoint() })).status, 201);
  const made = await ask('PUT', 'batchEndpoints/pets-batch/deployments/blue', {
    as: 'contributor',
    body: deployment(),
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return served;
}

test('batch endpoints and deployments: made, read, changed, held to conditions, removed', async (t) => {
  const { ask } = await staged(t);
  const read = await ask('GET', 'batchEndpoints/pets-batch', { as: 'reader' });
  assert.equal(read.body.id, `${scopePath}/batchEndpoints/pets-batch`);
  assert.deepEqual(read.body.properties, {
    ...{
      authMode: 'AADToken',
      properties: {},
      keys: null,
      swaggerUri: null,
      provisioningState: 'Succeeded',
    },
    scoringUri: 'https://localhost:7040/batchEndpoints/pets-batch/jobs',
  });
  // What was read may be sent back.
  const etag = read.headers.get('etag') as string;
  assert.equal(
    (await ask('PUT', 'batchEndpoints/pets-batch', { body: read.body, headers: { 'if-match': etag } })).status,
    200,
  );
  fails(
    await ask('PUT', 'batchEndpoints/pets-batch', { body: read.body, headers: { 'if-match': etag } }),
    412,
    'PreconditionFailed',
  );
  fails(await ask('PUT', 'batchEndpoints/pets-batch', { as: 'reader', body: endpoint() }), 403, 'AuthorizationFailed');
  fails(await ask('PUT', 'batchEndpoints/pets-batch', { body: endpoint({ authMode: 'Key' }) }), 400, 'ValidationError');
  fails(
    await ask('PUT', 'batchEndpoints/pets-batch', { body: endpoint({ defaults: { deploymentName: 'green' } }) }),
    400,
    'DeploymentNotFound',
  );
  assert.deepEqual((await ask('PATCH', 'batchEndpoints/pets-batch', { body: { tags: { a: 'b' } } })).body.tags, {
    a: 'b',
  });
  fails(await ask('POST', 'batchEndpoints/pets-batch/listkeys'), 400, 'NoKeys');

  const path = 'batchEndpoints/pets-batch/deployments/blue';
  const { body } = await ask('GET', path);
  assert.deepEqual(body.properties, {
    ...{
      properties: {},
      compute: 'local',
      resources: { instanceCount: 1 },
      environmentVariables: {},
      errorThreshold: -1,
    },
    ...{ loggingLevel: 'Info', maxConcurrencyPerInstance: 1, miniBatchSize: 10, outputAction: 'AppendRow' },
    ...{ outputFileName: 'predictions.csv', retrySettings: { maxRetries: 3, timeout: 'PT30S' } },
    model: { referenceType: 'Id', assetId: `${scopePath}/models/colours/versions/1` },
    provisioningState: 'Succeeded',
  });
  assert.equal((await ask('PUT', path, { body })).status, 200);
  const wrong = await ask('PUT', path, {
    body: deployment({
      miniBatchSize: 0,
      retrySettings: { timeout: 30 },
      codeConfiguration: { scoringScript: 'a.py' },
      colour: 1,
    }),
  });
  assert.deepEqual(wrong.body.error.details.map(({ target }: { target: string }) => target).sort(), [
    ...[
      'properties.codeConfiguration',
      'properties.colour',
      'properties.miniBatchSize',
      'properties.retrySettings.timeout',
    ],
  ]);
  fails(
    await ask('PUT', path, { body: deployment({ model: { referenceType: 'DataPath', path: '/x' } }) }),
    400,
    'ValidationError',
  );
  fails(
    await ask('PUT', 'batchEndpoints/none-batch/deployments/blue', { body: deployment() }),
    404,
    'EndpointNotFound',
  );
  const patched = await ask('PATCH', path, { body: { tags: { a: 'b' }, properties: { description: 'the first' } } });
  assert.deepEqual([patched.body.tags, patched.body.properties.description], [{ a: 'b' }, 'the first']);
  fails(await ask('PATCH', path, { body: { properties: { miniBatchSize: 3 } } }), 400, 'ValidationError');
  assert.deepEqual(
    (await ask('GET', 'batchEndpoints')).body.value.map(({ name }: { name: string }) => name),
    ['pets-batch'],
  );
  assert.deepEqual(
    (await ask('GET', 'batchEndpoints/pets-batch/deployments')).body.value.map(({ name }: { name: string }) => name),
    ['blue'],
  );
  assert.deepEqual([(await ask('DELETE', path)).status, (await ask('DELETE', path)).status], [200, 204]);
  assert.deepEqual(
    [
      (await ask('DELETE', 'batchEndpoints/pets-batch')).status,
      (await ask('DELETE', 'batchEndpoints/pets-batch')).status,
    ],
    [200, 204],
  );
});

test('an invocation is a job, which jobs show as a pipeline', async (t) => {
  const { ask, place, store } = await staged(t);
  const data = datastoreFolder(place, 'workspaceblobstore');
  mkdirSync(data, { recursive: true });
  cpSync(join(drawnShapes, 'disc'), join(data, 'pets'), { recursive: true });
  const uri = 'azureml://datastores/workspaceblobstore/paths/pets';
  const invoke = (properties: object, more: object = {}) =>
    ask('POST', '/batchEndpoints/pets-batch/jobs', { as: 'contributor', body: { properties }, ...more });
  const input = { InputData: { any: { JobInputType: 'UriFolder', Uri: uri } } };
  const out = {
    OutputData: {
      any: { JobOutputType: 'UriFile', Uri: 'azureml://datastores/workspaceblobstore/paths/out/pets.csv' },
    },
  };
  const made = await invoke({ ...input, ...out, Name: 'first', miniBatchSize: 4, tags: { by: 'rest' } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { properties } = made.body;
  assert.deepEqual(
    [made.body.name, properties.jobType, properties.status, properties.tags],
    ['first', 'Pipeline', 'Queued', { by: 'rest' }],
  );
  assert.deepEqual(
    [properties.fovea.files, properties.fovea.miniBatchSize, properties.experimentName],
    [30, 4, 'pets-batch'],
  );
  const row = await store.jobs.find('first');
  assert.ok(row);
  assert.equal(batchSpecOf(row).settings.output_file_name, 'pets.csv');
  assert.equal(batchSettingOf(row).outputFolder, join(data, 'out'));

  assert.deepEqual(
    (await ask('GET', 'jobs')).body.value.map(({ name }: { name: string }) => name),
    ['first'],
  );
  assert.equal((await ask('GET', 'jobs?jobType=Pipeline')).body.value.length, 1);
  assert.equal((await ask('GET', 'jobs?jobType=AutoML')).body.value.length, 0);
  assert.equal((await ask('GET', '/batchEndpoints/pets-batch/jobs', { as: 'reader' })).body.value[0].name, 'first');
  const { body } = await ask('GET', 'jobs/first');
  const tagged = await ask('PUT', 'jobs/first', { body: { properties: { ...body.properties, tags: { by: 'me' } } } });
  assert.deepEqual([tagged.status, tagged.body.properties.tags], [200, { by: 'me' }], JSON.stringify(tagged.body));
  fails(
    await ask('PUT', 'jobs/first', { body: { properties: { jobType: 'AutoML', taskDetails: {} } } }),
    409,
    'JobExists',
  );
  assert.equal((await ask('POST', 'jobs/first/cancel')).status, 202);
  assert.equal((await store.jobs.find('first'))?.status, 'CancelRequested');

  fails(await invoke(input, { as: 'reader' }), 403, 'AuthorizationFailed');
  fails(await invoke(input, { as: 'nobody' }), 401, 'InvalidAuthenticationToken');
  fails(await invoke(input, { headers: { 'azureml-model-deployment': 'green' } }), 404, 'DeploymentNotFound');
  fails(await invoke({}), 400, 'ValidationError');
  fails(await invoke({ ...input, colour: 1 }), 400, 'ValidationError');
  fails(await invoke({ InputData: { a: {}, b: {} } }), 400, 'ValidationError');
  fails(await invoke({ InputData: { a: { Uri: 'azureml:none:1' } } }), 400, 'DataNotFound');
  fails(
    await invoke({ InputData: { a: { Uri: 'azureml://datastores/workspaceblobstore/paths/../../jobs' } } }),
    400,
    'PathNotFound',
  );
  fails(await invoke({ InputData: { a: { Uri: drawnShapes } } }), 403, 'PathNotAllowed');
  fails(
    await invoke({ ...input, OutputData: { a: { Uri: 'azureml://datastores/workspaceblobstore/paths/../../out' } } }),
    400,
    'ValidationError',
  );
  fails(await invoke({ ...input, OutputData: { a: { Uri: '/etc/out' } } }), 403, 'PathNotAllowed');
  fails(await invoke({ ...input, Explain: 'magic' }), 400, 'ValidationError');
  assert.equal((await store.jobs.list()).rows.length, 1);
});
