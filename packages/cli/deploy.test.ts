import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointWorkspace } from './fixtures/endpoint-workspace.ts';
import { png } from './fixtures/png.ts';

const colours = join(import.meta.dirname, '../serving/fixtures/colours');

test('a model is put behind an address, and another one in its place', async (t) => {
  const { workspace, fovea, json, file } = endpointWorkspace(t);
  const red = file(
    'red.png',
    png(8, () => [220, 30, 30]),
  );
  const ask = async () => (await json('online-endpoint', 'invoke', '--name', 'pets', '--image', red))[0];

  const first = await fovea('deploy', colours, '--name', 'pets');
  assert.equal(first.code, 0, first.err);
  assert.match(
    first.out,
    /pets answers with azureml:pets:1\n +address +https?:\/\/\S+\/pets\/score\n +ask +fovea online-end/,
  );
  assert.ok('probs' in (await ask()));

  // The same files are the same version, and the one that answered is replaced.
  const { endpoint, deployment } = await json(
    'deploy',
    'azureml:pets@latest',
    '--name',
    'pets',
    '--instances',
    '2',
    '-o',
    'json',
  );
  assert.deepEqual([deployment.name, deployment.model, deployment.instance_count], ['green', 'azureml:pets:1', 2]);
  assert.deepEqual(endpoint.traffic, { green: 100 });
  const again = await fovea('deploy', colours, '--name', 'pets');
  assert.match(again.out, /pets answers with azureml:pets:1\n/, again.err);
  assert.match(again.err, /green, which answered before, is ended/);

  // What cannot be served changes nothing.
  const broken = join(workspace, 'broken');
  cpSync(colours, broken, { recursive: true });
  writeFileSync(join(broken, 'artifacts/model.onnx'), 'no graph');
  const failed = await fovea('deploy', broken, '--name', 'pets');
  assert.equal(failed.code, 1);
  assert.match(failed.err, /model\.onnx/);
  assert.deepEqual((await json('online-endpoint', 'show', '--name', 'pets')).traffic, { blue: 100 });
  assert.ok('probs' in (await ask()));

  const nobody = await fovea('deploy', 'nobody');
  assert.deepEqual([nobody.code, /there is no job called nobody/.test(nobody.err)], [1, true], nobody.err);
});
