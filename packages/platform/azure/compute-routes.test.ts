import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type AmlCompute, AzureMachineLearningWorkspaces, type ComputeInstance } from '@azure/arm-machinelearning';
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { type Answer, scopePath, servedWorkspace } from '../fixtures/served-workspace.ts';

const [, , subscription, , group, , , , workspace] = scopePath.split('/');

/** Azure's own client, whose requests the app answers without a socket. */
async function withClient(t: TestContext) {
  const served = await servedWorkspace(t);
  const httpClient: HttpClient = {
    async sendRequest(request) {
      const { method, body } = request;
      const answer = await served.app.request(request.url, {
        method,
        headers: request.headers.toJSON(),
        ...(typeof body === 'string' && { body }),
      });
      const headers = createHttpHeaders(Object.fromEntries(answer.headers));
      return { request, status: answer.status, headers, bodyAsText: await answer.text() };
    },
  };
  const getToken = async () => ({ token: served.bearer.owner, expiresOnTimestamp: Date.now() + 3_600_000 });
  const { computeOperations } = new AzureMachineLearningWorkspaces({ getToken }, subscription, {
    endpoint: 'https://localhost:7040',
    httpClient,
  });
  return { ...served, computes: computeOperations };
}

const names = [group, workspace] as const;
const cluster = (more: object = {}): AmlCompute => ({
  computeType: 'AmlCompute',
  properties: {
    ...{ osType: 'Linux', vmSize: 'STANDARD_NC6', vmPriority: 'Dedicated', ...more },
    scaleSettings: { maxNodeCount: 2, minNodeCount: 0, nodeIdleTimeBeforeScaleDown: 'PT2M' },
  },
});

test("Azure's client makes, reads, changes, lists and deletes a cluster", async (t) => {
  const { computes, store } = await withClient(t);
  const body = { location: 'westeurope', tags: { team: 'vision' }, properties: cluster() };
  const made = await computes.beginCreateOrUpdateAndWait(...names, 'gpu-cluster', body);
  const { properties, id, name, type, tags } = made;
  assert.deepEqual(
    [id, name, type, tags],
    [
      `${scopePath}/computes/gpu-cluster`,
      ...['gpu-cluster', 'Microsoft.MachineLearningServices/workspaces/computes'],
      { team: 'vision' },
    ],
  );
  assert.equal(properties?.provisioningState, 'Succeeded');
  const inner = (properties as AmlCompute).properties;
  assert.deepEqual(
    [inner?.vmSize, inner?.vmPriority, inner?.scaleSettings, inner?.currentNodeCount],
    [...['STANDARD_NC6', 'Dedicated'], { maxNodeCount: 2, minNodeCount: 0, nodeIdleTimeBeforeScaleDown: 'PT120S' }, 2],
  );
  assert.deepEqual(await computes.get(...names, 'gpu-cluster'), made);
  // What was answered may be sent again.
  await computes.beginCreateOrUpdateAndWait(...names, 'gpu-cluster', made);

  const changed = await computes.beginUpdateAndWait(...names, 'gpu-cluster', {
    properties: { scaleSettings: { maxNodeCount: 3 } },
  });
  assert.equal((changed.properties as AmlCompute).properties?.scaleSettings?.maxNodeCount, 3);
  const listed = await Array.fromAsync(computes.list(...names));
  assert.deepEqual(
    listed.map((each) => [each.name, each.properties?.computeType]),
    [
      ['local', 'VirtualMachine'],
      ['gpu-cluster', 'AmlCompute'],
    ],
  );

  await store.jobs.add({ ...newJob('j'), compute: 'gpu-cluster' });
  await store.trials.add({ ...newTrial('j', 0), status: 'Running' });
  await store.computes.claim('gpu-cluster', 'j_HD_0', { cpu: 1 });
  const nodes = await Array.fromAsync(computes.listNodes(...names, 'gpu-cluster'));
  assert.deepEqual(
    nodes.map(({ nodeId, nodeState, runId }) => [nodeId, nodeState, runId]),
    [
      ['gpu-cluster-0', 'running', 'j_HD_0'],
      ['gpu-cluster-1', 'idle', null],
      ['gpu-cluster-2', 'idle', null],
    ],
  );
  await assert.rejects(computes.beginDeleteAndWait(...names, 'gpu-cluster', 'Delete'), {
    name: 'RestError',
    statusCode: 409,
    message: /the job j is to run on gpu-cluster/,
  });
  await store.trials.transition('j_HD_0', { from: ['Running'], to: 'Completed' });
  await store.jobs.transition('j', { from: ['NotStarted'], to: 'Completed' });
  await computes.beginDeleteAndWait(...names, 'gpu-cluster', 'Delete');
  assert.equal((await Array.fromAsync(computes.list(...names))).length, 1);
});

test('a compute instance is started and stopped', async (t) => {
  const { computes } = await withClient(t);
  await computes.beginCreateOrUpdateAndWait(...names, 'mine', { properties: { computeType: 'ComputeInstance' } });
  const state = async () => ((await computes.get(...names, 'mine')).properties as ComputeInstance).properties?.state;
  assert.equal(await state(), 'Running');
  await computes.beginStopAndWait(...names, 'mine');
  assert.equal(await state(), 'Stopped');
  await computes.beginRestartAndWait(...names, 'mine');
  assert.equal(await state(), 'Running');
});

test('what a name for this machine cannot be is refused, and what has no effect is told', async (t) => {
  const { ask } = await withClient(t);
  const put = (properties: unknown, more: object = {}) => ask('PUT', 'computes/x', { body: { properties, ...more } });
  const refused = ({ status, body }: Answer, code: string, message: RegExp) => {
    assert.deepEqual([status, body.error.code], [400, code], JSON.stringify(body));
    assert.match(body.error.message, message);
  };
  const inner = (more: object) => ({ ...cluster(), properties: more });
  refused(await put(undefined), 'ValidationError', /properties is missing/);
  refused(await put({}), 'UnsupportedComputeType', /computeType is missing/);
  for (const computeType of ['VirtualMachine', 'AKS', 'Kubernetes', 'Databricks'])
    refused(await put({ computeType }), 'UnsupportedComputeType', /other machines are not attached/);
  const bad: [object, RegExp][] = [
    [{ subnet: { id: '/subscriptions/s/x' } }, /Fovea makes no networks/],
    [{ isolatedNetwork: true }, /isolates nothing/],
    [{ userAccountCredentials: { adminUserName: 'a', adminUserPassword: 'p' } }, /gives nobody access/],
    [{ remoteLoginPortPublicAccess: 'Enabled' }, /gives nobody access/],
    [{ osType: 'Windows' }, /osType should be Linux/],
    [{ vmPriority: 'Spot' }, /vmPriority should be Dedicated or LowPriority/],
    [{ virtualMachineImage: { id: 'x' } }, /as it is/],
    [{ scaleSettings: { maxNodeCount: 0 } }, /max_instances should be a whole number, 1/],
    [{ scaleSettings: { maxNodeCount: 1, minNodeCount: 2 } }, /min_instances, 2, is above max_instances, 1/],
    [{ scaleSettings: { maxNodeCount: 1, nodeIdleTimeBeforeScaleDown: '2 minutes' } }, /as PT120S/],
    [{ scaleSettings: { maxNodes: 1 } }, /unknown property "maxNodes"/],
  ];
  for (const [properties, message] of bad) refused(await put(inner(properties)), 'ValidationError', message);

  const made = await put(cluster({ vmPriority: 'LowPriority' }), { location: 'westeurope' });
  assert.equal(made.status, 201);
  const notes: string[] = made.body.properties.fovea.withoutEffect;
  assert.deepEqual(
    notes.map((note) => note.replace(/:.*/, '')),
    ['size', 'tier', 'location'],
  );
  refused(
    await ask('DELETE', 'computes/x?underlyingResourceAction=Detach'),
    'ValidationError',
    /nothing lies under it/,
  );
  refused(await ask('POST', 'computes/x/start'), 'NoComputeInstance', /ComputeInstance is started/);
  refused(await ask('POST', 'computes/x/listKeys'), 'NoSecrets', /no keys/);
  refused(await ask('DELETE', 'computes/local'), 'ComputeIsMachine', /is a machine/);
  assert.equal((await ask('DELETE', 'computes/x', { as: 'contributor' })).status, 403);
  const other = { headers: { 'if-match': '"other"' } };
  assert.equal((await ask('DELETE', 'computes/x', other)).status, 412);
  assert.equal((await ask('DELETE', 'computes/x')).status, 200);
  assert.equal((await ask('DELETE', 'computes/x')).status, 204);
});
