import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inferenceServerLogOf, logFolderOf } from '../endpoints/keeper/paths.ts';
import { verifyEndpointToken } from '../endpoints/online/credentials.ts';
import { type OnlineDeploymentRow, onlineKinds } from '../endpoints/online/online-rows.ts';
import { type Answer, scopePath, servedWorkspace } from '../fixtures/served-workspace.ts';

const colours = fileURLToPath(new URL('../../serving/fixtures/colours', import.meta.url));

const fails = ({ status, body }: Answer, expected: number, code: string) => {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(body.error.code, code, body.error.message);
};

const endpoint = (more: object = {}) => ({ location: 'local', properties: { authMode: 'Key', ...more } });
const deployment = (more: object = {}, capacity = 1) => ({
  location: 'local',
  sku: { name: 'Default', capacity },
  properties: { endpointComputeType: 'Managed', model: 'azureml:colours:1', instanceType: 'Standard_DS3_v2', ...more },
});

/** A workspace with a model, and with what a keeper would write. */
async function staged(t: TestContext) {
  const served = await servedWorkspace(t);
  /** A client that waits for nothing. */
  const ask: typeof served.ask = (method, path, asking) =>
    served.ask(method, path, { signal: AbortSignal.abort(), ...asking });
  const { store, place, registry } = served;
  await registry.createModel(
    { name: 'colours', path: colours, type: 'mlflow_model' },
    { baseFolder: null, anywhere: true },
  );
  const write = async (kind: string, name: string, spec: object) => {
    if (!(await store.resources.change(kind, name, { spec }))) await store.resources.add(kind, name, spec);
  };
  return {
    ...served,
    ask,
    async applied() {
      const { rows } = await store.resources.list(onlineKinds.endpoint);
      const endpoints = Object.fromEntries(rows.map(({ name, revision }) => [name, revision]));
      await write(onlineKinds.gateway, place.id, { url: 'http://localhost:7041', owner: 'elsewhere:1:1:x', endpoints });
    },
    async settled(name: string, state: object = {}) {
      const row = await store.resources.find(onlineKinds.deployment, name);
      assert.ok(row);
      const { generation } = row.spec as OnlineDeploymentRow;
      const usual = { generation, provisioning_state: 'Succeeded', error: null, instances: [], serving: null };
      await write(onlineKinds.deploymentState, name, { ...usual, ...state });
    },
    /** What a client is told that asks whether it is so. */
    async poll({ headers }: Answer) {
      const url = new URL((headers.get('azure-asyncoperation') ?? headers.get('location')) as string);
      return ask('GET', url.pathname + url.search);
    },
  };
}

test('an endpoint: made, waited for, changed, asked for its keys, removed', async (t) => {
  const { ask, applied, poll, place } = await staged(t);
  fails(await ask('GET', 'onlineEndpoints/pets'), 404, 'EndpointNotFound');
  fails(await ask('PUT', 'onlineEndpoints/pets', { as: 'reader', body: endpoint() }), 403, 'AuthorizationFailed');
  fails(await ask('PUT', 'onlineEndpoints/p', { body: endpoint() }), 400, 'InvalidName');
  const as = 'contributor';
  const made = await ask('PUT', 'onlineEndpoints/pets', { as, body: { ...endpoint(), tags: { a: 'b', c: 'd' } } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.body.id, `${scopePath}/onlineEndpoints/pets`);
  assert.equal(made.body.type, 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints');
  const { properties } = made.body;
  assert.deepEqual(properties, {
    ...{ authMode: 'Key', properties: {}, publicNetworkAccess: 'Enabled', traffic: {}, mirrorTraffic: {} },
    ...{ keys: null, scoringUri: null, swaggerUri: null, provisioningState: 'Creating' },
  });
  assert.equal((await poll(made)).body.status, 'InProgress');
  await applied();
  assert.equal((await poll(made)).body.status, 'Succeeded');
  const read = await ask('GET', 'onlineEndpoints/pets', { as: 'reader' });
  assert.equal(read.body.properties.scoringUri, 'http://localhost:7041/pets/score');
  // Who asks by another name of the machine has requests answered there.
  const remote = await ask('GET', `https://vision.example:7040${scopePath}/onlineEndpoints/pets`);
  assert.equal(remote.body.properties.scoringUri, 'http://vision.example:7041/pets/score');
  // What was read may be sent back.
  const again = await ask('PUT', 'onlineEndpoints/pets', {
    body: read.body,
    headers: { 'if-match': read.headers.get('etag') as string },
  });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  fails(
    await ask('PUT', 'onlineEndpoints/pets', { body: endpoint(), headers: { 'if-none-match': '*' } }),
    412,
    'PreconditionFailed',
  );

  const identity = { type: 'UserAssigned', userAssignedIdentities: { '/subscriptions/s/identities/i': {} } };
  const patched = await ask('PATCH', 'onlineEndpoints/pets', { body: { tags: { a: null, e: 'f' }, identity } });
  assert.deepEqual([patched.body.tags, patched.body.identity], [{ c: 'd', e: 'f' }, identity]);
  fails(await ask('PATCH', 'onlineEndpoints/pets', { body: { properties: {} } }), 400, 'ValidationError');

  fails(await ask('POST', 'onlineEndpoints/pets/listKeys', { as: 'reader' }), 403, 'AuthorizationFailed');
  const keys = (await ask('POST', 'onlineEndpoints/pets/listKeys', { as })).body;
  assert.ok(keys.primaryKey !== keys.secondaryKey && keys.primaryKey.length >= 32);
  fails(await ask('POST', 'onlineEndpoints/pets/token', { as }), 400, 'NoToken');
  const regenerate = { keyType: 'Secondary', keyValue: 'a-key-that-somebody-chose' };
  const rotated = await ask('POST', 'onlineEndpoints/pets/regenerateKeys', { as, body: regenerate });
  assert.equal(rotated.status, 202);
  assert.equal((await poll(rotated)).status, 202);
  await applied();
  assert.equal((await poll(rotated)).status, 204);
  assert.deepEqual((await ask('POST', 'onlineEndpoints/pets/listkeys')).body, {
    ...keys,
    secondaryKey: regenerate.keyValue,
  });
  fails(
    await ask('POST', 'onlineEndpoints/pets/regenerateKeys', { body: { keyType: 'Third' } }),
    400,
    'ValidationError',
  );

  await ask('PUT', 'onlineEndpoints/pets', { body: endpoint({ authMode: 'AMLToken' }) });
  const token = (await ask('POST', 'onlineEndpoints/pets/token', { as })).body;
  assert.equal(token.tokenType, 'Bearer');
  assert.ok(verifyEndpointToken(place, { name: 'pets', keys: [keys.primaryKey] }, token.accessToken));
  fails(await ask('POST', 'onlineEndpoints/pets/listKeys'), 400, 'NoKeys');
  await ask('PUT', 'onlineEndpoints/pets', { body: endpoint({ authMode: 'AADToken', keys: null }) });
  fails(await ask('POST', 'onlineEndpoints/pets/token'), 400, 'NoCredentials');
  const chosen = { primaryKey: 'k'.repeat(20), secondaryKey: 'l'.repeat(20) };
  await ask('PUT', 'onlineEndpoints/pets', { body: endpoint({ keys: chosen }) });
  assert.deepEqual((await ask('POST', 'onlineEndpoints/pets/listKeys')).body, chosen);

  // It has no deployments that would have to end first.
  assert.equal((await ask('DELETE', 'onlineEndpoints/pets')).status, 200);
  assert.equal((await ask('DELETE', 'onlineEndpoints/pets')).status, 204);
});

test('what is wrong with an endpoint or a deployment is told at its place in the request', async (t) => {
  const { ask } = await staged(t);
  const targets = ({ status, body }: Answer) => {
    assert.equal(status, 400, JSON.stringify(body));
    return body.error.details.map(({ target }: { target: string }) => target).sort();
  };
  const odd = endpoint({ authMode: 'Password', trafic: {}, traffic: { blue: 90 }, publicNetworkAccess: 3 });
  assert.deepEqual(targets(await ask('PUT', 'onlineEndpoints/pets', { body: { ...odd, colour: 'red' } })), [
    ...['colour', 'properties.authMode', 'properties.publicNetworkAccess', 'properties.traffic', 'properties.trafic'],
  ]);
  await ask('PUT', 'onlineEndpoints/pets', { body: endpoint() });
  const wrong = deployment({
    ...{ endpointComputeType: 'Managed', codeConfiguration: { scoringScript: 'score.py' } },
    requestSettings: { requestTimeout: 'PT181S', maxQueueWait: 'half a second', maxConcurrentRequests: 1 },
    livenessProbe: { successThreshold: 2, initialDelay: 'PT0S' },
    scaleSettings: { scaleType: 'TargetUtilization' },
  });
  const answer = await ask('PUT', 'onlineEndpoints/pets/deployments/blue', {
    body: { ...wrong, sku: { name: 'Default', capacity: 51 } },
  });
  assert.deepEqual(targets(answer), [
    'properties.codeConfiguration',
    'properties.livenessProbe.initialDelay',
    ...['properties.requestSettings.maxConcurrentRequests', 'properties.requestSettings.maxQueueWait'],
    'properties.requestSettings.requestTimeout',
    ...['properties.scaleSettings.scaleType', 'sku.capacity'],
  ]);
  const kubernetes = await ask('PUT', 'onlineEndpoints/pets/deployments/blue', {
    body: deployment({ endpointComputeType: 'Kubernetes' }),
  });
  assert.match(kubernetes.body.error.message, /Kubernetes/);
  const put = (model: string) =>
    ask('PUT', 'onlineEndpoints/pets/deployments/blue', { as: 'contributor', body: deployment({ model }) });
  fails(await put('azureml:nothing:1'), 400, 'ModelNotFound');
  fails(await put('/etc/passwd'), 400, 'ValidationError');
  fails(await ask('PUT', 'onlineEndpoints/dogs/deployments/blue', { body: deployment() }), 404, 'EndpointNotFound');
});

test('a deployment: made, waited for, given traffic, scaled, listened to, removed', async (t) => {
  const { ask, applied, settled, poll, place, store } = await staged(t);
  await ask('PUT', 'onlineEndpoints/pets', { body: endpoint() });
  const path = 'onlineEndpoints/pets/deployments/blue';
  fails(await ask('GET', path), 404, 'DeploymentNotFound');
  fails(await ask('PUT', path, { as: 'reader', body: deployment() }), 403, 'AuthorizationFailed');
  const probe = {
    initialDelay: 'PT2000S',
    period: 'PT10S',
    timeout: 'PT10S',
    failureThreshold: 10,
    successThreshold: 1,
  };
  const settings = { requestTimeout: 'PT1M30S', maxQueueWait: 'PT0.25S', maxConcurrentRequestsPerInstance: 4 };
  const dataCollector = {
    rollingRate: 'Day',
    collections: {
      request: { dataCollectionMode: 'Enabled', samplingRate: 0.5 },
      response: { dataCollectionMode: 'Disabled' },
    },
  };
  const body = deployment(
    { requestSettings: settings, readinessProbe: probe, dataCollector, environmentVariables: { WORKER_COUNT: '2' } },
    2,
  );
  const made = await ask('PUT', path, { as: 'contributor', body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { properties } = made.body;
  assert.equal(properties.model, `${scopePath}/models/colours/versions/1`);
  assert.equal(properties.provisioningState, 'Creating');
  assert.deepEqual(made.body.sku, { name: 'Default', tier: 'Standard', capacity: 2 });
  assert.deepEqual(properties.requestSettings, { ...settings, requestTimeout: 'PT90S' });
  assert.deepEqual(properties.readinessProbe, probe);
  assert.equal(properties.livenessProbe.initialDelay, 'PT10S');
  const { collections } = properties.dataCollector;
  assert.deepEqual(collections.request, { dataCollectionMode: 'Enabled', samplingRate: 0.5 });
  assert.equal((await poll(made)).body.status, 'InProgress');
  await settled('pets/blue', { provisioning_state: 'Failed', error: 'the model needs more memory than there is' });
  const failed = await poll(made);
  assert.deepEqual(
    [failed.body.status, failed.body.error],
    ['Failed', { code: 'DeploymentFailed', message: 'the model needs more memory than there is' }],
  );
  // What was read may be sent back; what failed is tried once more.
  const again = await ask('PUT', path, { body: (await ask('GET', path)).body });
  assert.deepEqual(
    [again.status, again.body.properties.provisioningState],
    [200, 'Updating'],
    JSON.stringify(again.body),
  );
  await settled('pets/blue');
  assert.equal((await poll(again)).body.status, 'Succeeded');
  assert.equal(
    (await ask('PUT', path, { body: (await ask('GET', path)).body })).body.properties.provisioningState,
    'Succeeded',
  );

  const traffic = await ask('PUT', 'onlineEndpoints/pets', { body: endpoint({ traffic: { blue: 100 } }) });
  assert.equal(traffic.status, 200, JSON.stringify(traffic.body));
  await applied();
  assert.deepEqual((await ask('GET', 'onlineEndpoints/pets')).body.properties.traffic, { blue: 100 });
  fails(await ask('DELETE', path), 409, 'DeploymentHasTraffic');
  const scaled = await ask('PATCH', path, { as: 'contributor', body: { sku: { capacity: 5 }, tags: { a: 'b' } } });
  assert.deepEqual([scaled.status, scaled.body.sku.capacity, scaled.body.tags], [200, 5, { a: 'b' }]);
  assert.equal(scaled.body.properties.provisioningState, 'Scaling');
  fails(await ask('PATCH', path, { body: { sku: { capacity: 0 } } }), 400, 'ValidationError');
  const skus = (await ask('GET', `${path}/skus`)).body.value;
  assert.deepEqual(skus[0].capacity, { default: 1, minimum: 1, maximum: 50, scaleType: 'Manual' });

  const name = { endpoint: 'pets', deployment: 'blue' };
  mkdirSync(logFolderOf(place, name), { recursive: true });
  const log = (...times: number[]) =>
    times.map((time) => `{"level":30,"time":${1_700_000_000_000 + time},"msg":"${time}"}\n`).join('');
  writeFileSync(inferenceServerLogOf(place, name, 0), `${log(1)}  a line below\n${log(4)}`);
  writeFileSync(inferenceServerLogOf(place, name, 1), log(2, 3));
  const logs = (body: object) => ask('POST', `${path}/getLogs`, { as: 'reader', body });
  const { content } = (await logs({ containerType: 'InferenceServer', tail: 4 })).body;
  assert.equal(content, `  a line below\n${log(2, 3, 4)}`);
  assert.equal((await logs({ containerType: 'StorageInitializer' })).body.content, '');
  fails(await logs({ containerType: 'Other' }), 400, 'ValidationError');
  fails(await logs({ tail: -1 }), 400, 'ValidationError');

  await ask('PUT', 'onlineEndpoints/pets', { body: endpoint() });
  const removed = await ask('DELETE', path, { as: 'contributor' });
  assert.equal(removed.status, 202);
  assert.equal((await poll(removed)).status, 202);
  assert.equal((await ask('GET', path)).body.properties.provisioningState, 'Deleting');
  fails(await ask('PUT', path, { body }), 409, 'DeploymentDeleting');
  await store.resources.delete(onlineKinds.deployment, 'pets/blue');
  assert.equal((await poll(removed)).status, 204);
  assert.equal((await poll(made)).body.error.code, 'Removed');
  assert.equal((await ask('DELETE', path)).status, 204);
  fails(await ask('GET', 'operations/apply-nothing.pets'), 404, 'OperationNotFound');
});

test('endpoints and deployments are listed in parts, in the order and of the kind that is asked for', async (t) => {
  const { ask } = await staged(t);
  for (const name of ['aaa', 'bbb', 'ccc', 'ddd', 'eee']) {
    const body = { ...endpoint({ properties: { team: 'vision' } }), tags: name > 'bbb' ? { late: 'yes' } : {} };
    assert.equal((await ask('PUT', `onlineEndpoints/${name}`, { body })).status, 201);
  }
  const all = async (path: string): Promise<string> => {
    const found: string[] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const { status, body }: Answer = await ask('GET', next);
      assert.equal(status, 200, JSON.stringify(body));
      found.push(...body.value.map(({ name }: { name: string }) => name));
      next = body.nextLink && new URL(body.nextLink).pathname + new URL(body.nextLink).search;
    }
    return found.join(' ');
  };
  assert.equal(await all('onlineEndpoints?count=2'), 'eee ddd ccc bbb aaa');
  assert.equal(await all('onlineEndpoints?count=2&orderBy=CreatedAtAsc'), 'aaa bbb ccc ddd eee');
  await ask('PATCH', 'onlineEndpoints/bbb', { body: { tags: { x: 'y' } } });
  assert.equal(await all('onlineEndpoints?count=2&orderBy=UpdatedAtAsc'), 'aaa ccc ddd eee bbb');
  assert.equal(await all('onlineEndpoints?count=2&orderBy=UpdatedAtDesc'), 'bbb eee ddd ccc aaa');
  assert.equal(await all('onlineEndpoints?tags=late=yes&properties=team=vision'), 'eee ddd ccc');
  assert.equal(await all('onlineEndpoints?tags=late=no'), '');
  assert.equal(await all('onlineEndpoints?name=ccc&computeType=Managed'), 'ccc');
  assert.equal(await all('onlineEndpoints?computeType=Kubernetes'), '');
  fails(await ask('GET', 'onlineEndpoints?computeType=Mainframe'), 400, 'ValidationError');
  fails(await ask('GET', 'onlineEndpoints?orderBy=name'), 400, 'ValidationError');
  fails(await ask('GET', 'onlineEndpoints?$skip=x'), 400, 'InvalidContinuation');

  for (const name of ['one', 'two', 'three']) {
    assert.equal((await ask('PUT', `onlineEndpoints/aaa/deployments/${name}`, { body: deployment() })).status, 201);
  }
  await ask('PUT', 'onlineEndpoints/bbb/deployments/other', { body: deployment() });
  assert.equal(await all('onlineEndpoints/aaa/deployments?$top=2'), 'three two one');
  assert.equal(await all('onlineEndpoints/aaa/deployments?$top=2&$orderBy=createdAt asc'), 'one two three');
  fails(await ask('GET', 'onlineEndpoints/zzz/deployments'), 404, 'EndpointNotFound');
});
