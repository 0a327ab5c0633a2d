import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as secureConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  deploymentNamed,
  endpointNamed,
  keepersOf,
  keptWorkspace,
  pictureQuestion,
} from '../../fixtures/kept-endpoints.ts';
import { type Load, startLoad } from '../../fixtures/scoring-load.ts';
import { ownCertificate } from '../../server/certificate.ts';
import { keepKeeper } from '../../server/kept-process.ts';
import type { OnlineDeploymentRecord } from '../online/online-endpoints.ts';
import { type OnlineDeploymentRow, onlineKinds } from '../online/online-rows.ts';
import type { OnlineDeploymentSpec } from '../online/online-spec.ts';
import { deploymentFolderOf, inferenceServerLogOf } from './paths.ts';

const where = { baseFolder: null, anywhere: true };
const patience = { timeout: 600_000 };
/** An instance that is well begins and answers in time on a busy machine, too. */
const lively = { initial_delay: 600, period: 1, timeout: 5, success_threshold: 1, failure_threshold: 1 };

/** A process that there is: 0 would be this one and its kin. */
function signal(pid: number | null, name: NodeJS.Signals): void {
  assert.ok(pid);
  process.kill(pid, name);
}

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);

test('deployments are kept', patience, async (t) => {
  const kept = await keptWorkspace(t);
  const { endpoints, place } = kept;
  const question = await pictureQuestion();

  const deployed = async (name: string, more: Partial<OnlineDeploymentSpec> = {}) => {
    await endpoints.deploy(deploymentNamed('pets', name, more), where);
    return endpoints.settled('pets', name);
  };
  const succeeds = async (name: string, more: Partial<OnlineDeploymentSpec> = {}): Promise<OnlineDeploymentRecord> => {
    const record = await deployed(name, more);
    assert.ok(record);
    assert.equal(record.provisioning_state, 'Succeeded', record.error ?? '');
    return record;
  };
  /** Waits until a deployment is as it should be. */
  const until = async (name: string, holds: (record: OnlineDeploymentRecord) => boolean) => {
    for (;;) {
      const record = await endpoints.findDeployment('pets', name);
      if (holds(record)) return record;
      await wait(20);
    }
  };
  const routed = async (traffic: Record<string, number>) => {
    await endpoints.put(endpointNamed('pets', { traffic }));
    for (;;) {
      const endpoint = await endpoints.find('pets');
      if (endpoint.provisioning_state === 'Succeeded') return endpoint;
      await wait(20);
    }
  };
  /** Where the endpoint answers, as soon as it does. */
  const addressed = async (): Promise<string> => {
    for (;;) {
      const { scoring_uri } = await endpoints.find('pets');
      if (scoring_uri !== null) return scoring_uri;
      await wait(20);
    }
  };
  const pids = (record: OnlineDeploymentRecord) => record.instances.map(({ pid }) => pid ?? 0);

  await endpoints.put(endpointNamed('pets'));
  // What a deployment's file says of variables reaches no process: this one would keep it from starting.
  const environment_variables = { NODE_OPTIONS: '--require=/nonexistent.cjs', FOVEA_SECRET: 'x' };
  const first = await succeeds('blue', { instance_count: 2, environment_variables });
  for (const pid of pids(first)) {
    assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, 'utf8'), /FOVEA_DATABASE|FOVEA_SECRET/);
  }
  await routed({ blue: 100 });
  const address = await addressed();
  const credentials = await endpoints.credentials('pets');
  assert.ok('primaryKey' in credentials);
  const key = credentials.primaryKey;
  const underLoad = async (work: (load: Load) => Promise<void>) => {
    const load = startLoad(address, { key, body: question });
    try {
      await load.more(20);
      await work(load);
      await load.more(20);
    } finally {
      assert.deepEqual(await load.stop(), []);
    }
  };

  await t.test('an instance that is killed under load is started again, and no request is lost', async () => {
    await underLoad(async () => {
      const [first] = (await endpoints.findDeployment('pets', 'blue')).instances;
      signal(first.pid, 'SIGKILL');
      const { instances } = await until('blue', (one) => one.instances.some(({ restarts }) => restarts === 1));
      const restarted = instances.find(({ number }) => number === first.number);
      assert.notEqual(restarted?.pid, first.pid);
      await until('blue', (one) => one.instances.every(({ state, problem }) => state === 'ready' && problem === null));
    });
  });

  await t.test('blue gives its traffic to green step by step and goes, and no request is lost', async () => {
    await underLoad(async (load) => {
      await succeeds('green');
      assert.deepEqual([...load.deployments], ['blue'], 'what has no traffic is asked nothing');
      await routed({ blue: 90, green: 10 });
      while (!load.deployments.has('green')) await load.more(1);
      await routed({ green: 100 });
      const blue = await endpoints.findDeployment('pets', 'blue');
      await endpoints.deleteDeployment('pets', 'blue');
      assert.equal(await endpoints.settled('pets', 'blue'), null);
      assert.ok(!pids(blue).some(isThere));
      assert.ok(!existsSync(deploymentFolderOf(place, { endpoint: 'pets', deployment: 'blue' })));
    });
  });

  await t.test('what changes a deployment brings up other instances first, and no request is lost', async () => {
    await underLoad(async () => {
      const before = await endpoints.findDeployment('pets', 'green');
      const request_settings = { ...before.request_settings, max_concurrent_requests_per_instance: 2 };
      const after = await succeeds('green', { request_settings });
      const ready = after.instances.filter(({ state }) => state === 'ready');
      assert.deepEqual(
        ready.map(({ generation }) => generation),
        [2],
      );
      await until('green', (one) => one.instances.length === 1);
      assert.ok(!pids(before).some(isThere));
    });
  });

  await t.test('instances are added and taken away while it answers', async () => {
    await underLoad(async () => {
      const before = await until('green', (one) => one.instances.length === 1);
      const { request_settings } = before;
      const three = await succeeds('green', { request_settings, instance_count: 3 });
      assert.ok(pids(three).includes(pids(before)[0]), 'the first one stays');
      assert.equal(new Set(pids(three)).size, 3);
      await succeeds('green', { request_settings, instance_count: 1 });
      await until('green', ({ instances }) => instances.length === 1 && instances[0].state === 'ready');
    });
  });

  await t.test('an instance whose readiness probe fails gets no requests until it passes again', async () => {
    const { request_settings } = await endpoints.findDeployment('pets', 'green');
    const readiness_probe = { ...lively, timeout: 1 };
    const { instances } = await succeeds('green', { request_settings, readiness_probe });
    const [{ pid, restarts }] = instances;
    signal(pid, 'SIGSTOP');
    const { instances: unready } = await until('green', (one) => one.instances[0].state === 'unready');
    assert.match(unready[0].problem ?? '', /\/health\/ready was not answered within 1 s/);
    const refused = startLoad(address, { key, body: question, clients: 1 });
    await refused.more(1);
    assert.match((await refused.stop())[0], /^503 .*no instance of green is ready/);
    signal(pid, 'SIGCONT');
    const { instances: again } = await until('green', (one) => one.instances[0].state === 'ready');
    assert.deepEqual([again[0].pid, again[0].restarts, again[0].problem], [pid, restarts, null]);
  });

  await t.test('an instance that hangs is found by its liveness probe and replaced', async () => {
    const { request_settings } = await endpoints.findDeployment('pets', 'green');
    const { instances } = await succeeds('green', { request_settings, liveness_probe: lively });
    const [{ pid, restarts }] = instances;
    signal(pid, 'SIGSTOP');
    const hung = await until('green', (one) => one.instances[0].problem?.includes('liveness') ?? false);
    assert.match(hung.instances[0].problem ?? '', /its liveness probe failed once: .*not answered within 5 s/);
    await until('green', (one) => one.instances[0].state === 'ready' && one.instances[0].restarts > restarts);
    assert.ok(!isThere(pid ?? 0));
  });

  await t.test('a model that cannot be loaded fails with its reason, and what was there goes on', async () => {
    const broken = join(kept.folder, 'broken');
    await cp(fileURLToPath(new URL('../../../serving/fixtures/colours', import.meta.url)), broken, { recursive: true });
    writeFileSync(join(broken, 'artifacts', 'model.onnx'), 'no graph');
    await kept.registry.createModel({ name: 'broken', path: broken, type: 'custom_model' }, where);
    // As a row that was written before the model was found to be broken.
    const row = await kept.store.resources.find(onlineKinds.deployment, 'pets/green');
    assert.ok(row);
    const spec = row.spec as OnlineDeploymentRow;
    const changed = { ...spec, model: 'azureml:broken:1', generation: spec.generation + 1 };
    await underLoad(async () => {
      await kept.store.resources.change(onlineKinds.deployment, 'pets/green', { spec: changed });
      const failed = await endpoints.settled('pets', 'green');
      assert.equal(failed?.provisioning_state, 'Failed');
      assert.match(failed?.error ?? '', /what was there before goes on serving: .*model\.onnx/s);
    });
    const { endpoint, deployment } = { endpoint: 'pets', deployment: 'green' };
    assert.match(readFileSync(inferenceServerLogOf(place, { endpoint, deployment }, 0), 'utf8'), /"level":60/);
    assert.match(await endpoints.logs('pets', 'green', { container: 'storage-initializer' }), /azureml:broken:1/);
  });

  await t.test('files that are not those that were registered are not served', async () => {
    const model = await kept.registry.createModel(
      { name: 'changed', path: fileURLToPath(new URL('../../../serving/fixtures/halves', import.meta.url)) },
      where,
    );
    // What may be edited before a model is registered, and not afterwards.
    const settings = join(kept.registry.modelFolder(model), 'artifacts', 'settings.json');
    writeFileSync(settings, `${readFileSync(settings, 'utf8')}\n`);
    const failed = await deployed('red', { model: 'azureml:changed:1' });
    assert.equal(failed?.provisioning_state, 'Failed');
    assert.match(failed?.error ?? '', /not those that were registered/);
    assert.deepEqual(failed?.instances, []);
  });

  await t.test(
    'a keeper that is killed takes its instances along, and the next one serves what was served',
    async () => {
      const [keeper, ...others] = keepersOf(place.folder);
      assert.deepEqual(others, []);
      const before = pids(await endpoints.findDeployment('pets', 'green'));
      signal(keeper, 'SIGKILL');
      while (before.some(isThere)) await wait(20);
      // Whoever looks sees to it that there is another one; the deployment that did not come up is still not what is served.
      const after = await until('green', ({ instances }) =>
        instances.some(({ state, pid }) => state === 'ready' && !before.includes(pid ?? 0)),
      );
      assert.notEqual(keepersOf(place.folder)[0], keeper);
      const endpoint = await endpoints.find('pets');
      assert.ok(after.instances.length > 0 && endpoint.scoring_uri !== null);
      const load = startLoad(endpoint.scoring_uri, { key, body: question, clients: 1 });
      await load.more(2);
      assert.deepEqual(await load.stop(), []);
    },
  );

  await t.test('a server keeps endpoints at its own address, in place of who did it before', async () => {
    const [before] = keepersOf(place.folder);
    const told: string[] = [];
    const certificate = await ownCertificate(place.folder, 'localhost');
    const servers = keepKeeper(place, { host: '127.0.0.1', port: 0, certificate }, (line) => told.push(line));
    const known = () => /online endpoints answer at (https:\/\/localhost:(\d+))$/.exec(told.at(-1) ?? '');
    try {
      while (known() === null) await wait(20);
      const [, url, port] = known() as RegExpExecArray;
      while (isThere(before)) await wait(20);
      assert.equal((await endpoints.find('pets')).scoring_uri, `${url}/pets/score`);
      const shown = () =>
        new Promise<string>((resolve, reject) => {
          const socket = secureConnect({ port: Number(port), host: 'localhost', rejectUnauthorized: false }, () => {
            resolve(socket.getPeerCertificate().fingerprint256);
            socket.destroy();
          }).on('error', reject);
        });
      const first = await shown();
      assert.equal(first, new X509Certificate(certificate.cert).fingerprint256);
      // One that lacks a name is made again.
      const renewed = await ownCertificate(place.folder, '127.0.0.9');
      servers.renew(renewed);
      while ((await shown()) === first) await wait(20);
      assert.equal(await shown(), new X509Certificate(renewed.cert).fingerprint256);
    } finally {
      await servers.end();
    }
    assert.deepEqual(keepersOf(place.folder), []);
    await until('green', ({ instances }) => instances.some(({ state }) => state === 'ready'));
  });

  await t.test('told to end, a keeper answers what was asked before, and leaves nothing behind', async () => {
    const uri = await addressed();
    const left = pids(await endpoints.findDeployment('pets', 'green'));
    const headers = {
      ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...{ 'content-length': question.length, expect: '100-continue' },
    };
    const asked = request(uri, { method: 'POST', headers, agent: false });
    const answer = once(asked, 'response');
    asked.flushHeaders();
    await once(asked, 'continue');
    const [keeper] = keepersOf(place.folder);
    signal(keeper, 'SIGTERM');
    const { port } = new URL(uri);
    const isOpen = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.on('close', () => resolve(false)).end();
      });
    while (await isOpen()) await wait(10);
    asked.end(question);
    const [{ statusCode }] = await answer;
    assert.equal(statusCode, 200);
    while ([keeper, ...left].some(isThere)) await wait(20);
    const folders = readdirSync(process.env.TMPDIR ?? '/tmp').filter((name) =>
      name.startsWith(`fovea-keeper-${keeper}-`),
    );
    assert.deepEqual(folders, []);
  });
});
