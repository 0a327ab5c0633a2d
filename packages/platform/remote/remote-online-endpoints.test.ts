import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inferenceServerLogOf, logFolderOf } from '../endpoints/keeper/paths.ts';
import { type OnlineDeploymentRow, onlineKinds } from '../endpoints/online/online-rows.ts';
import { checkOnlineDeployment, checkOnlineEndpoint } from '../endpoints/spec/index.ts';
import { remoteWorkspace } from '../fixtures/remote-workspace.ts';
import { Refusal } from '../refusal.ts';
import { openRemoteOnlineEndpoints } from './remote-online-endpoints.ts';

const colours = fileURLToPath(new URL('../../serving/fixtures/colours', import.meta.url));

const endpointOf = (raw: object) => {
  const { value, problems } = checkOnlineEndpoint({ name: 'pets', ...raw });
  assert.ok(value, JSON.stringify(problems));
  return value;
};
const deploymentOf = (raw: object) => {
  const { value, problems } = checkOnlineDeployment({ name: 'blue', endpoint_name: 'pets', ...raw });
  assert.ok(value, JSON.stringify(problems));
  return value;
};
const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof Refusal, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

test("a server's endpoints are used as those of this machine; models of this machine are sent", async (t) => {
  const { address, place, store, folder, registry } = await remoteWorkspace(t);
  const online = await openRemoteOnlineEndpoints(address('contributor'));
  const reader = await openRemoteOnlineEndpoints(address('reader'));
  t.after(() => Promise.all([online.close(), reader.close()]));
  const write = async (kind: string, name: string, spec: object) => {
    if (!(await store.resources.change(kind, name, { spec }))) await store.resources.add(kind, name, spec);
  };

  await assert.rejects(online.find('pets'), code('EndpointNotFound'));
  await assert.rejects(reader.put(endpointOf({})), code('AuthorizationFailed'));
  const made = await online.put(endpointOf({ tags: { a: 'b' } }));
  assert.deepEqual([made.provisioning_state, made.tags, made.scoring_uri], ['Creating', { a: 'b' }, null]);
  const gateway = { url: 'https://localhost:7041', owner: 'elsewhere:1:1:x' };
  await write(onlineKinds.gateway, place.id, { ...gateway, endpoints: { pets: made.revision } });
  const applied = await online.applied('pets');
  assert.equal(applied?.scoring_uri, 'https://localhost:7041/pets/score');
  await assert.rejects(online.put(endpointOf({}), { revision: 99 }), code('ChangedMeanwhile'));
  await assert.rejects(reader.credentials('pets'), code('AuthorizationFailed'));
  const keys = await online.credentials('pets');
  await online.regenerateKey('pets', 'secondary', 'a-key-that-somebody-chose');
  assert.deepEqual(await online.credentials('pets'), { ...keys, secondaryKey: 'a-key-that-somebody-chose' });

  const mine = join(folder, 'mine');
  cpSync(colours, mine, { recursive: true });
  const here = { baseFolder: folder, anywhere: true };
  const inline = deploymentOf({ model: { name: 'colours', path: 'mine', type: 'mlflow_model' } });
  const deployed = await online.deploy(inline, here, { create: true });
  assert.deepEqual([deployed.model, deployed.provisioning_state], ['azureml:colours:1', 'Creating']);
  // The very same is not registered again.
  assert.equal((await online.deploy(inline, here)).model, 'azureml:colours:1');
  await assert.rejects(online.deploy(inline, here, { create: true }), code('DeploymentExists'));
  assert.equal((await registry.list('model', { name: 'colours' })).length, 1);
  await assert.rejects(online.deploy({ ...inline, instance_count: 99 }, here), code('ValidationError'));
  await assert.rejects(online.deploy({ ...inline, model: 'azureml:nothing:1' }, here), code('ModelNotFound'));

  const waits = online.settled('pets', 'blue');
  const row = await store.resources.find(onlineKinds.deployment, 'pets/blue');
  assert.ok(row);
  const { generation } = row.spec as OnlineDeploymentRow;
  const state = { generation, provisioning_state: 'Succeeded', error: null, instances: [], serving: null };
  await write(onlineKinds.deploymentState, 'pets/blue', state);
  assert.equal((await waits)?.provisioning_state, 'Succeeded');
  const found = await reader.findDeployment('pets', 'blue');
  assert.equal(
    (await online.deploy({ ...found, instance_count: 2 }, here, { revision: found.revision })).instance_count,
    2,
  );
  assert.deepEqual((await online.put({ ...(await online.find('pets')), traffic: { blue: 100 } })).traffic, {
    blue: 100,
  });
  await assert.rejects(online.deleteDeployment('pets', 'blue'), code('DeploymentHasTraffic'));

  const name = { endpoint: 'pets', deployment: 'blue' };
  mkdirSync(logFolderOf(place, name), { recursive: true });
  writeFileSync(inferenceServerLogOf(place, name, 0), 'first\nlast\n');
  assert.equal(await reader.logs('pets', 'blue', { lines: 1 }), 'last\n');
  assert.equal(await reader.logs('pets', 'blue', { container: 'storage-initializer' }), '');

  assert.deepEqual(
    (await reader.list()).map((one) => one.name),
    ['pets'],
  );
  assert.deepEqual(
    (await reader.listDeployments('pets')).map((one) => one.name),
    ['blue'],
  );
  await assert.rejects(online.settled('pets', 'blue', AbortSignal.timeout(100)), { name: 'TimeoutError' });
  assert.equal(await online.delete('pets'), true);
  await store.resources.delete(onlineKinds.deployment, 'pets/blue');
  assert.equal(await online.settled('pets', 'blue'), null);
  assert.equal(await online.applied('pets'), null);
});
