import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FreshDatabase, onBothDatabases } from '../../fixtures/both-databases.ts';
import { placeOf } from '../../place.ts';
import { Refusal } from '../../refusal.ts';
import { createRegistry } from '../../registry/registry.ts';
import type { Store } from '../../store/index.ts';
import { createOnlineEndpoints } from './create-online-endpoints.ts';
import { verifyEndpointToken } from './credentials.ts';
import type { KeptEndpoint } from './online-records.ts';
import { type OnlineDeploymentRow, type OnlineDeploymentStateRow, onlineKinds } from './online-rows.ts';
import type { OnlineDeploymentSpec, OnlineEndpointSpec } from './online-spec.ts';

const colours = fileURLToPath(new URL('../../../serving/fixtures/colours', import.meta.url));
const here = { baseFolder: null, anywhere: true } as const;

const endpoint = (more: Partial<OnlineEndpointSpec> = {}): OnlineEndpointSpec => ({
  ...{ name: 'pets', description: null, tags: {}, properties: {}, auth_mode: 'key', identity: null },
  ...{ traffic: {}, mirror_traffic: {}, public_network_access: 'enabled' },
  ...more,
});

const probe = { initial_delay: 10, period: 10, timeout: 2, success_threshold: 1, failure_threshold: 30 };
const deployment = (name: string, more: Partial<OnlineDeploymentSpec> = {}): OnlineDeploymentSpec => ({
  ...{ name, endpoint_name: 'pets', description: null, tags: {}, properties: {}, model: 'azureml:colours:1' },
  ...{
    model_mount_path: null,
    environment: null,
    environment_variables: {},
    instance_type: 'local',
    instance_count: 1,
  },
  ...{ app_insights_enabled: false, scale_settings: { type: 'default' } },
  request_settings: { request_timeout_ms: 5000, max_concurrent_requests_per_instance: 1, max_queue_wait_ms: 500 },
  ...{ liveness_probe: probe, readiness_probe: probe, data_collector: null, egress_public_network_access: 'enabled' },
  ...more,
});

/** Endpoints of which nobody but the test makes anything true. */
async function staged({ address, open }: FreshDatabase) {
  const place = placeOf(address);
  const store = await open();
  const registry = createRegistry(place, store);
  let ensured = 0;
  const online = createOnlineEndpoints(place, store, registry, async () => {
    ensured++;
  });
  await registry.createModel({ name: 'colours', path: colours, type: 'mlflow_model' }, here);
  return { place, store, registry, online, ensured: () => ensured };
}

async function rowOf<Row>(store: Store, kind: string, name: string): Promise<Row> {
  const row = await store.resources.find(kind, name);
  assert.ok(row, name);
  return row.spec as Row;
}

/** What a keeper would write. */
async function say(store: Store, name: string, state: Partial<OnlineDeploymentStateRow>): Promise<void> {
  const { generation } = await rowOf<OnlineDeploymentRow>(store, onlineKinds.deployment, `pets/${name}`);
  const spec = { generation, provisioning_state: 'Succeeded', error: null, instances: [], serving: null, ...state };
  const was = await store.resources.change(onlineKinds.deploymentState, `pets/${name}`, { spec });
  if (!was) await store.resources.add(onlineKinds.deploymentState, `pets/${name}`, spec);
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof Refusal, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

onBothDatabases('an endpoint: made, changed, asked for its keys, removed', async (fresh) => {
  const { place, store, online, ensured } = await staged(fresh);
  await assert.rejects(online.find('pets'), code('EndpointNotFound'));
  const made = await online.put(endpoint({ tags: { a: 'b' } }));
  assert.deepEqual([made.provisioning_state, made.scoring_uri, made.revision], ['Creating', null, 1]);
  assert.ok(ensured() > 0);
  const gateway = { url: 'http://localhost:7041', owner: 'elsewhere:1:1:x' };
  await store.resources.add(onlineKinds.gateway, place.id, { ...gateway, endpoints: {} });
  assert.equal((await online.find('pets')).provisioning_state, 'Creating');
  const applied = online.applied('pets');
  await store.resources.change(onlineKinds.gateway, place.id, { spec: { ...gateway, endpoints: { pets: 1 } } });
  assert.equal((await applied)?.provisioning_state, 'Succeeded');
  const found = await online.find('pets');
  assert.equal(found.provisioning_state, 'Succeeded');
  assert.equal(found.scoring_uri, 'http://localhost:7041/pets/score');
  assert.equal(found.openapi_uri, 'http://localhost:7041/pets/swagger.json');
  assert.ok(!JSON.stringify(found).includes('v1.'), 'no sealed key is shown');

  const keys = await online.credentials('pets');
  assert.ok('primaryKey' in keys && keys.primaryKey.length === 43 && keys.primaryKey !== keys.secondaryKey);
  assert.deepEqual(await online.credentials('pets'), keys);
  await online.regenerateKey('pets', 'primary');
  assert.equal((await online.find('pets')).provisioning_state, 'Updating');
  const rotated = await online.credentials('pets');
  assert.ok('primaryKey' in rotated && rotated.primaryKey !== keys.primaryKey);
  assert.equal(rotated.secondaryKey, keys.secondaryKey);
  await online.regenerateKey('pets', 'secondary', 'a-key-that-somebody-chose');
  assert.equal(((await online.credentials('pets')) as typeof keys).secondaryKey, 'a-key-that-somebody-chose');
  const row = await store.resources.find(onlineKinds.endpoint, 'pets');
  assert.ok(!JSON.stringify(row).includes('a-key-that-somebody-chose'));

  await online.put(endpoint({ auth_mode: 'aml_token' }));
  const token = await online.credentials('pets');
  assert.ok('accessToken' in token);
  const served = { name: 'pets', keys: [rotated.primaryKey] };
  assert.ok(verifyEndpointToken(place, served, token.accessToken));
  await online.put(endpoint({ auth_mode: 'aad_token' }));
  await assert.rejects(online.credentials('pets'), code('NoCredentials'));
  await assert.rejects(online.regenerateKey('pets', 'primary'), code('NoCredentials'));

  await assert.rejects(online.put(endpoint(), { revision: 1 }), code('ChangedMeanwhile'));
  await assert.rejects(online.put(endpoint({ name: 'a' })), code('InvalidName'));
  assert.deepEqual(
    (await online.list()).map(({ name }) => name),
    ['pets'],
  );
  assert.equal(await online.delete('pets'), true);
  assert.equal(await online.delete('pets'), false);
  assert.deepEqual(await online.list(), []);
  assert.equal(await online.applied('pets'), null);
});

onBothDatabases('traffic goes to deployments that are there, 100 % or none, and keeps them', async (fresh) => {
  const { store, online } = await staged(fresh);
  await assert.rejects(online.put(endpoint({ traffic: { blue: 100 } })), code('DeploymentNotFound'));
  await online.put(endpoint());
  await assert.rejects(online.put(endpoint({ traffic: { blue: 100 } })), code('DeploymentNotFound'));
  for (const name of ['blue', 'green']) await online.deploy(deployment(name), here);
  const refused: [Partial<OnlineEndpointSpec>, RegExp][] = [
    [{ traffic: { blue: 90 } }, /blue 90 = 90/],
    [{ traffic: { blue: 60, green: 60 } }, /blue 60 \+ green 60 = 120/],
    [{ traffic: { blue: 100.5, green: -0.5 } }, /whole number of percent/],
    [{ traffic: { blue: 100, gren: 0 } }, /did you mean green/],
    [{ mirror_traffic: { green: 51 } }, /0 to 50/],
    [{ mirror_traffic: { green: 10, blue: 10 } }, /one deployment/],
    [{ traffic: { blue: 100 }, mirror_traffic: { blue: 10 } }, /one or the other/],
  ];
  for (const [more, message] of refused) await assert.rejects(online.put(endpoint(more)), message);
  await online.put(endpoint({ traffic: { blue: 100, green: 0 }, mirror_traffic: { green: 10 } }));
  await assert.rejects(online.deleteDeployment('pets', 'blue'), /blue has 100 % of the traffic/);
  await assert.rejects(online.deleteDeployment('pets', 'green'), /10 % of the traffic of pets mirrored/);
  const without = await online.put(endpoint({ traffic: { blue: 100, green: 0 }, mirror_traffic: { green: 0 } }));
  assert.deepEqual(without.mirror_traffic, {});
  assert.equal(await online.deleteDeployment('pets', 'green'), true);
  assert.deepEqual((await online.find('pets')).traffic, { blue: 100 });
  assert.equal((await online.findDeployment('pets', 'green')).provisioning_state, 'Deleting');
  await assert.rejects(online.put(endpoint({ traffic: { green: 100 } })), code('DeploymentNotFound'));
  await assert.rejects(online.deploy(deployment('green'), here), code('DeploymentDeleting'));
  await store.resources.delete(onlineKinds.deployment, 'pets/green');
  assert.equal(await online.deleteDeployment('pets', 'green'), false);
  assert.equal(await online.settled('pets', 'green'), null);
  await assert.rejects(online.findDeployment('pets', 'green'), code('DeploymentNotFound'));
  // The endpoint takes its deployments along, traffic or not.
  await online.delete('pets');
  const { rows } = await store.resources.list(onlineKinds.deployment);
  assert.deepEqual(
    rows.map(({ spec }) => (spec as OnlineDeploymentRow).deleting),
    [true],
  );
});

onBothDatabases('a deployment is created, updated or scaled by what changes in it', async (fresh) => {
  const { store, online } = await staged(fresh);
  await assert.rejects(online.deploy(deployment('blue'), here), code('EndpointNotFound'));
  await online.put(endpoint());
  const generation = async () =>
    (await rowOf<OnlineDeploymentRow>(store, onlineKinds.deployment, 'pets/blue')).generation;
  const deploy = async (more: Partial<OnlineDeploymentSpec>) => {
    const { provisioning_state } = await online.deploy(deployment('blue', more), here);
    return [provisioning_state, await generation()];
  };
  assert.deepEqual(await deploy({}), ['Creating', 1]);
  assert.deepEqual(await deploy({ instance_count: 2 }), ['Creating', 2]);
  await say(store, 'blue', {});
  assert.equal((await online.settled('pets', 'blue'))?.provisioning_state, 'Succeeded');
  assert.deepEqual(await deploy({ instance_count: 2 }), ['Succeeded', 2]);
  assert.deepEqual(await deploy({ instance_count: 2, tags: { a: 'b' } }), ['Succeeded', 2]);
  assert.deepEqual(await deploy({ instance_count: 3 }), ['Scaling', 3]);
  assert.deepEqual(await deploy({ instance_count: 4 }), ['Scaling', 4]);
  await say(store, 'blue', {});
  assert.deepEqual(await deploy({ instance_count: 4, environment_variables: { WORKER_COUNT: '2' } }), ['Updating', 5]);
  assert.deepEqual(await deploy({ instance_count: 1, environment_variables: { WORKER_COUNT: '2' } }), ['Updating', 6]);
  await say(store, 'blue', { provisioning_state: 'Failed', error: 'it did not start' });
  assert.equal((await online.settled('pets', 'blue'))?.error, 'it did not start');
  // Asked for once more, it is tried once more.
  assert.deepEqual(await deploy({ environment_variables: { WORKER_COUNT: '2' } }), ['Updating', 7]);
  await assert.rejects(online.deploy(deployment('blue'), here, { create: true }), code('DeploymentExists'));
  await assert.rejects(online.deploy(deployment('blue'), here, { revision: 1 }), code('ChangedMeanwhile'));
  await assert.rejects(online.deploy(deployment('no_name'), here), code('InvalidName'));
  await assert.rejects(online.deploy(deployment('blue', { instance_count: 51 }), here), /1 to 50/);
});

onBothDatabases('only a model that an instance can load is deployed', async (fresh) => {
  const { place, registry, online } = await staged(fresh);
  await online.put(endpoint());
  const folder = join(place.folder, 'models');
  const sklearn = join(folder, 'sklearn');
  mkdirSync(sklearn, { recursive: true });
  writeFileSync(join(sklearn, 'MLmodel'), 'flavors: {sklearn: {pickled_model: model.pkl}}\n');
  const broken = join(folder, 'broken');
  cpSync(colours, broken, { recursive: true });
  writeFileSync(join(broken, 'artifacts', 'model.onnx'), 'not a graph');
  await registry.createModel({ name: 'sklearn', path: sklearn, type: 'mlflow_model' }, here);
  await registry.createModel({ name: 'broken', path: broken, type: 'custom_model' }, here);
  await registry.createModel({ name: 'server', path: sklearn, type: 'triton_model' }, here);
  await registry.createModel({ name: 'custom', path: colours, type: 'custom_model' }, here);
  const deployed = async (model: OnlineDeploymentSpec['model']) =>
    (await online.deploy(deployment('blue', { model }), here)).model;
  await assert.rejects(deployed('azureml:sklearn:1'), /mlflow_model \(sklearn\) that Fovea did not train/);
  await assert.rejects(deployed('azureml:server:1'), /triton_model, which cannot be served/);
  await assert.rejects(deployed('azureml:broken:1'), code('ModelNotServable'));
  await assert.rejects(deployed('azureml:nothing:1'), code('ModelNotFound'));
  await assert.rejects(deployed('azureml:colours:2'), code('ModelNotFound'));
  await assert.rejects(deployed('colours'), Refusal);
  assert.equal(await deployed('azureml:custom@latest'), 'azureml:custom:1');
  await registry.createModel({ name: 'custom', path: 'azureml:colours:1', type: 'mlflow_model' }, here);
  assert.equal(await deployed('azureml:custom@latest'), 'azureml:custom:2');
  await registry.setArchived('model', 'custom', '1', true);
  await assert.rejects(deployed('azureml:custom:1'), code('ModelArchived'));
  assert.equal(
    await deployed(
      `/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/colours/versions/1`,
    ),
    'azureml:colours:1',
  );

  // Inline: registered, unless the very same is there.
  const inline = { name: 'mine', version: '1', path: colours, type: 'mlflow_model' } as const;
  assert.equal(await deployed(inline), 'azureml:mine:1');
  assert.equal(await deployed(inline), 'azureml:mine:1');
  assert.equal(await deployed({ ...inline, version: null }), 'azureml:mine:1');
  await assert.rejects(deployed({ ...inline, path: sklearn }), code('ModelVersionExists'));
  await assert.rejects(deployed({ ...inline, version: '2', path: sklearn }), code('ModelNotServable'));
  await assert.rejects(registry.find('model', 'mine', '2'), code('ModelNotFound'));
  assert.equal(await deployed({ ...inline, name: null, version: null }), 'azureml:pets-blue:1');
  assert.equal(await deployed({ ...inline, name: null, version: null, path: 'azureml:mine:1' }), 'azureml:pets-blue:1');
});

onBothDatabases('of those who change an endpoint at the same time none loses what another did', async (fresh) => {
  const { place, store, registry, online } = await staged(fresh);
  const other = createOnlineEndpoints(place, await fresh.open(), registry, async () => {});
  await online.put(endpoint());
  const names = Array.from({ length: 25 }, (_, i) => `d${i}x`);
  const outcomes = await Promise.allSettled(
    names.map((name, i) => (i % 2 ? online : other).deploy(deployment(name), here)),
  );
  const there = names.filter((_, i) => outcomes[i].status === 'fulfilled');
  assert.equal(there.length, 20);
  for (const one of outcomes) if (one.status === 'rejected') code('TooManyDeployments')(one.reason);
  const { deployments } = await rowOf<KeptEndpoint>(store, onlineKinds.endpoint, 'pets');
  assert.deepEqual([...deployments].sort(), [...there].sort());
  assert.deepEqual((await online.listDeployments('pets')).map(({ name }) => name).sort(), [...there].sort());

  // Traffic to one, while another removes it: one of the two is refused.
  for (const name of there.slice(0, 5)) {
    const [given, removed] = await Promise.allSettled([
      online.put(endpoint({ traffic: { [name]: 100 } })),
      other.deleteDeployment('pets', name),
    ]);
    assert.notEqual(given.status, removed.status, name);
    const { traffic } = await online.find('pets');
    assert.deepEqual(traffic, given.status === 'fulfilled' ? { [name]: 100 } : {}, name);
    await online.put(endpoint());
  }
  // Both keys anew at once, from two processes.
  const before = (await online.credentials('pets')) as { primaryKey: string; secondaryKey: string };
  await Promise.all([online.regenerateKey('pets', 'primary'), other.regenerateKey('pets', 'secondary')]);
  const after = (await other.credentials('pets')) as typeof before;
  assert.ok(after.primaryKey !== before.primaryKey && after.secondaryKey !== before.secondaryKey);
});

onBothDatabases(
  'a workspace folder sees the endpoints of another one that shares its database, and leaves them to it',
  async (fresh) => {
    const { place, store, online } = await staged(fresh);
    const folder = join(place.folder, 'other');
    const elsewhere = placeOf({ folder, database: '' });
    const other = createOnlineEndpoints(elsewhere, store, createRegistry(elsewhere, store), async () => {
      throw new Error('nothing here is for this folder');
    });
    await online.put(endpoint());
    await online.deploy(deployment('blue'), here);
    assert.equal((await other.find('pets')).name, 'pets');
    await assert.rejects(other.credentials('pets'), code('ServedElsewhere'));
    await assert.rejects(other.regenerateKey('pets', 'primary'), code('ServedElsewhere'));
    await assert.rejects(other.deploy(deployment('green'), here), code('ServedElsewhere'));
    await assert.rejects(other.logs('pets', 'blue'), code('ServedElsewhere'));
    await other.put(endpoint({ traffic: { blue: 100 } }));
    assert.deepEqual((await online.find('pets')).traffic, { blue: 100 });
    assert.ok('primaryKey' in (await online.credentials('pets')));
    // The model's files are where it was registered.
    await other.put(endpoint({ name: 'dogs' }));
    await assert.rejects(other.deploy(deployment('blue', { endpoint_name: 'dogs' }), here), code('ModelElsewhere'));
  },
);

onBothDatabases(
  'who waits is told when nobody can serve; who looks, or changes something, is not kept from it',
  async (fresh) => {
    const { place, store, registry } = await staged(fresh);
    const online = createOnlineEndpoints(place, store, registry, async () => {
      throw new Error('The process that serves endpoints cannot go on');
    });
    assert.equal((await online.put(endpoint())).provisioning_state, 'Creating');
    assert.equal((await online.deploy(deployment('blue'), here)).provisioning_state, 'Creating');
    assert.equal((await online.listDeployments('pets')).length, 1);
    await assert.rejects(online.applied('pets'), code('KeeperFailed'));
    await assert.rejects(online.settled('pets', 'blue'), code('KeeperFailed'));
    await assert.rejects(
      createOnlineEndpoints(place, store, registry, async () => {}).applied('pets', AbortSignal.abort()),
      {
        name: 'AbortError',
      },
    );
    await online.delete('pets');
    await assert.rejects(online.applied('pets'), code('KeeperFailed'));
  },
);
