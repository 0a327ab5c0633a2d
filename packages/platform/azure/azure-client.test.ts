import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createBatchEndpoints } from '../endpoints/batch/create-batch-endpoints.ts';
import { createOnlineEndpoints } from '../endpoints/online/create-online-endpoints.ts';
import { drawnWorkspace } from '../fixtures/drawn-workspace.ts';
import { placeOf } from '../place.ts';
import { createRegistry } from '../registry/registry.ts';
import { ownCertificate } from '../server/certificate.ts';
import { RequestRate } from '../server/request-rate.ts';
import { startServer } from '../server/start-server.ts';
import { createTokens } from '../server/tokens.ts';

const colours = fileURLToPath(new URL('../../serving/fixtures/colours', import.meta.url));
const anywhere = { baseFolder: null, anywhere: true } as const;
const client = fileURLToPath(new URL('../fixtures/azure-client.ts', import.meta.url));

/** Runs a program, and reads what it printed as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: what the client read, of whatever shape
async function answerOf(args: readonly string[], env: NodeJS.ProcessEnv): Promise<any> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => err.push(chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, err.join(''));
  return JSON.parse(out.join(''));
}

test("Azure's published client, as it is, makes a job, follows it, registers its model, has it answer requests and reads all back", async (t) => {
  process.env.FOVEA_OFFLINE = '1';
  const { folder, home, workspace, store } = await drawnWorkspace(t);
  const data = join(folder, 'images');
  const lines = ['disc', 'square'].flatMap((label) =>
    readdirSync(join(data, label)).map((file) => JSON.stringify({ image_url: `./${label}/${file}`, label })),
  );
  writeFileSync(join(data, 'labels.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(data, 'MLTable'),
    'paths: [{file: ./labels.jsonl}]\ntransformations:\n  - read_json_lines: {encoding: utf8, invalid_lines: error}\n',
  );

  const place = placeOf({ folder: home, database: '' });
  const registry = createRegistry(place, store);
  const tokens = createTokens(store);
  const certificate = await ownCertificate(home, '127.0.0.1');
  const faults: unknown[] = [];
  const server = await startServer(
    {
      ...{ place, store, workspace, registry },
      ...{ online: createOnlineEndpoints(place, store, registry), batch: createBatchEndpoints(place, store, registry) },
      authority: { tokens, noAuth: false, rate: new RequestRate(200, 50) },
      log: ({ status, fault }) => {
        if (status < 500) return;
        faults.push(fault);
        t.diagnostic(String((fault as Error)?.stack));
      },
    },
    certificate,
    { host: '127.0.0.1', port: 0 },
  );
  t.after(() => server.close());
  const token = await tokens.create('client', 'owner', null);
  // Registered, and changed afterwards.
  const damaged = await registry.createModel({ name: 'damaged', path: colours, type: 'mlflow_model' }, anywhere);
  const requirements = join(registry.modelFolder(damaged), 'requirements.txt');
  chmodSync(requirements, 0o644);
  appendFileSync(requirements, '\n');
  const image = join(data, 'disc', readdirSync(join(data, 'disc'))[0]);
  const said = await answerOf([client, server.url, token, `file://${data}`, image], {
    NODE_EXTRA_CA_CERTS: certificate.authority ?? '',
  });
  assert.deepEqual(faults, []);

  assert.equal(said.workspace.name, 'lab');
  assert.equal(said.data.properties.dataType, 'mltable');
  // The client left the limits out: a bare job has the defaults.
  assert.equal(said.lossy.properties.taskDetails.limitSettings.maxTrials, 1);
  assert.equal(said.canceled, 'Canceled');

  assert.equal(said.created.status, 201);
  assert.equal(said.created.body.properties.taskDetails.trainingData.uri, 'azureml:pictures:1');
  assert.deepEqual(said.seen.at(-1), 'Completed', JSON.stringify(said.job.properties.fovea ?? said.job));
  const { properties } = said.job;
  assert.deepEqual(properties.taskDetails.limitSettings, { maxTrials: 2, maxConcurrentTrials: 1, timeout: 'PT30M' });
  assert.deepEqual(properties.taskDetails.searchSpace, [
    { modelName: "choice('mobilenetv2')", learningRate: 'uniform(0.005,0.02)' },
  ]);
  assert.equal(properties.taskDetails.modelSettings.numberOfEpochs, 2);
  assert.equal(properties.tags.by, 'client');
  const best = properties.tags.automl_best_child_run_id;
  assert.match(best, /^full_HD_[01]$/);
  assert.equal(properties.outputs.best_model.uri, `azureml://jobs/${best}/outputs/artifacts/outputs/mlflow-model/`);
  assert.equal(said.trial.properties.taskDetails.modelSettings.modelName, 'mobilenetv2');

  assert.equal(said.model.properties.jobName, best);
  assert.ok(said.model.properties.flavors.python_function);
  assert.equal(said.again.statusCode, 409);
  assert.equal(said.container.properties.latestVersion, '1');
  assert.deepEqual(said.lists, {
    ...{
      jobs: ['full', 'lossy'],
      models: ['shapes', 'damaged'],
      modelVersions: ['1'],
      data: ['pictures'],
      dataVersions: ['1'],
    },
    ...{ environments: [], computes: said.lists.computes, datastores: ['workspaceblobstore'], workspaces: 1 },
  });
  assert.equal(said.lists.computes.length, 1);
  assert.equal(said.environment.properties.osType, 'Linux');
  assert.deepEqual([said.missing.statusCode, said.missing.code], [404, 'JobNotFound']);
  assert.deepEqual([said.badName.statusCode, said.badName.code], [400, 'InvalidName']);
  assert.equal(said.removed.statusCode, 404);
  assert.deepEqual(said.tagged, { by: 'me', automl_best_child_run_id: best });

  const { online } = said;
  assert.equal(online.endpoint.properties.provisioningState, 'Succeeded');
  assert.match(online.endpoint.properties.scoringUri, /^http:\/\/localhost:\d+\/shapes-endpoint\/score$/);
  assert.deepEqual([online.early.statusCode, online.early.code], [400, 'DeploymentNotFound']);
  assert.equal(online.deployment.properties.provisioningState, 'Succeeded');
  assert.match(online.deployment.properties.model, /\/models\/shapes\/versions\/1$/);
  assert.match(online.failed.message, /The long-running operation has failed.*are not those that were registered/s);
  assert.deepEqual([online.deployments, online.traffic], [['blue'], { blue: 100 }]);
  assert.deepEqual([online.scored.status, online.scored.deployment], [200, 'blue']);
  assert.deepEqual(online.scored.body[0].labels, ['disc', 'square']);
  assert.ok(Math.abs(online.scored.body[0].probs[0] + online.scored.body[0].probs[1] - 1) < 1e-5);
  assert.deepEqual([online.swagger, online.stranger.status, online.rotated], [200, 401, [401, 200]]);
  assert.deepEqual([online.scaled.sku.capacity, online.scaled.properties.provisioningState], [2, 'Succeeded']);
  assert.match(online.logs, /"time":/);
  assert.deepEqual(online.skus, [50]);
  assert.equal(online.token.status, 200);
  assert.ok(online.token.expires > Date.now() / 1000 + 11 * 3600);
  assert.equal(online.keyForToken.status, 401);
  assert.deepEqual([online.inUse.statusCode, online.inUse.code], [409, 'DeploymentHasTraffic']);
  assert.deepEqual(online.endpoints, [{ name: 'shapes-endpoint', tags: { by: 'client' } }]);
  assert.equal(online.removed.statusCode, 404);

  // The registered files outlive the job.
  const row = await store.assets.find('model', 'shapes', '1');
  assert.ok(row);
  assert.deepEqual([row.job, row.data], ['full', ['azureml:pictures:1']]);
  await workspace.delete('full');
  const copy = await registry.download(row, join(folder, 'downloads'));
  assert.ok(existsSync(join(copy, 'artifacts', 'model.onnx')));
  const settings = join(copy, 'artifacts', 'settings.json');
  writeFileSync(settings, readFileSync(settings, 'utf8').replace(/("valid_resize_size": *)\d+/, '$140'));
  const edited = { name: 'shapes', path: copy, type: 'mlflow_model' } as const;
  const second = await registry.createModel(edited, anywhere);
  assert.equal(second.version, '2');
  assert.notEqual(second.content_hash, row.content_hash);

  const { batch } = said;
  assert.equal(batch.endpoint.properties.defaults.deploymentName, 'blue');
  const { model: scoring, provisioningState, retrySettings, miniBatchSize } = batch.deployment.properties;
  assert.match(scoring.assetId, /\/models\/shapes\/versions\/1$/);
  assert.deepEqual(
    [provisioningState, retrySettings, miniBatchSize],
    ['Succeeded', { maxRetries: 2, timeout: 'PT45S' }, 2],
  );
  assert.deepEqual([batch.keys.statusCode, batch.keys.code, batch.patched], [400, 'NoKeys', 'the first']);
  assert.deepEqual(
    [batch.invoked.status, batch.invoked.body.name],
    [201, 'scored'],
    JSON.stringify(batch.invoked.body),
  );
  assert.deepEqual([batch.nowhere.status, batch.nowhere.body.error.code], [404, 'DeploymentNotFound']);
  assert.equal(batch.job.properties.status, 'Completed', JSON.stringify(batch.job));
  assert.equal(batch.job.properties.jobType, 'Pipeline');
  assert.equal(batch.job.properties.outputs.score.uri, 'azureml://jobs/scored/outputs/score/');
  assert.deepEqual([batch.jobs, batch.endpoints], [['scored'], ['shapes-batch']]);
  assert.deepEqual(batch.deployments, [{ name: 'blue', tags: { by: 'client' } }]);
  assert.equal(batch.removed.code, 'EndpointNotFound');
});
