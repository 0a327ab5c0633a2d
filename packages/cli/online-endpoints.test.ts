import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointWorkspace } from './fixtures/endpoint-workspace.ts';

const colours = join(import.meta.dirname, '../serving/fixtures/colours');
/** 8 × 8 pixels. */
const redPicture =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAEUlEQVQI12P4z8CAFTEMLQkAKP8/waOJRGUAAAAASUVORK5CYII=';

test('from a model to answers, as az says it', async (t) => {
  const { workspace, fovea, json, file } = endpointWorkspace(t);
  const red = file('red.png', Buffer.from(redPicture, 'base64'));
  await json('model', 'create', '--name', 'pets', '--path', colours, '--type', 'mlflow_model');
  const endpoint = file('endpoint.yml', 'name: pets\nauth_mode: key\n');
  const deployment = file(
    'deployment.yml',
    'name: blue\nendpoint_name: pets\nmodel: azureml:pets@latest\ninstance_type: Standard_DS3_v2\ninstance_count: 1\n' +
      // A machine that is busy may need its time.
      'request_settings: {request_timeout_ms: 60000, max_queue_wait_ms: 60000}\n',
  );

  await t.test('an endpoint is made, and what to type next is said', async () => {
    const early = await fovea('online-deployment', 'create', '--file', deployment);
    assert.equal(early.code, 1);
    assert.match(early.err, /there is no online endpoint pets\n +fovea online-endpoint create .*--name pets/);
    const { code, out, err } = await fovea('online-endpoint', 'create', '--file', endpoint, '--set', 'tags.a=b');
    assert.equal(code, 0, err);
    const { name, tags, traffic, provisioning_state, scoring_uri } = JSON.parse(out);
    assert.deepEqual([name, tags, traffic, provisioning_state], ['pets', { a: 'b' }, {}, 'Succeeded']);
    assert.match(scoring_uri, /^https?:\/\/.*\/pets\/score$/);
    assert.match(err, /fovea online-deployment create .*--endpoint-name pets --all-traffic/);
  });

  await t.test('a deployment is checked, started, and shown until it is ready', async () => {
    const wrong = await fovea('online-deployment', 'create', '-f', deployment, '--set', 'instance_count=0');
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /--set instance_count=0 has 1 problem\n\n {2}instance_count must be a whole number from 1/);
    const debug = await fovea('online-deployment', 'create', '-f', deployment, '--vscode-debug');
    assert.match(debug.err, /--vscode-debug: no code of yours runs in an instance/);
    const { code, out, err } = await fovea('online-deployment', 'create', '-f', deployment, '--all-traffic', '--local');
    assert.equal(code, 0, err);
    const record = JSON.parse(out);
    assert.deepEqual([record.model, record.provisioning_state], ['azureml:pets:1', 'Succeeded']);
    assert.equal(record.instances[0].state, 'ready');
    assert.match(err, /everything is local here/);
    assert.match(err, /✓ blue of pets is ready: 1 instance, \d/);
    assert.match(err, /all requests to pets go to blue\n.*fovea online-endpoint invoke .*--image photo\.jpg/);
    const again = await fovea('online-deployment', 'create', '-f', deployment);
    assert.match(again.err, /there is a deployment blue of pets already/);
  });

  await t.test('pictures and requests are answered; what is no picture keeps the others from nothing', async () => {
    const asked = await fovea('online-endpoint', 'invoke', '--name', 'pets', '--image', deployment, red, '-o', 'table');
    assert.equal(asked.code, 1);
    assert.match(asked.err, /deployment\.yml: 400: .*is not an image/);
    const likeliest = asked.out.split('\n').find((line) => line.includes('red.png'));
    assert.match(likeliest ?? '', /red\.png +red +0\.\d+/);
    const request = file('request.json', JSON.stringify({ input_data: { columns: ['image'], data: [redPicture] } }));
    const [answer] = await json('online-endpoint', 'invoke', '-n', 'pets', '-r', request, '-d', 'blue');
    assert.equal(answer.labels[answer.probs.indexOf(Math.max(...answer.probs))], 'red');
    const bytes = await json('online-endpoint', 'invoke', '-n', 'pets', '-r', red);
    assert.deepEqual(bytes.probs, answer.probs);
    const nowhere = await fovea('online-endpoint', 'invoke', '-n', 'pets', '-r', request, '-d', 'green');
    assert.match(nowhere.err, /pets answers 404: .*no deployment "green"/);
    assert.equal((await fovea('online-endpoint', 'invoke', '-n', 'pets')).code, 2);
  });

  await t.test('traffic goes where it is told to, and mirrored requests with it', async () => {
    const green = ['-f', deployment, '--name', 'green', '--only-show-errors'];
    assert.deepEqual((await json('online-deployment', 'create', ...green)).instances.length, 1);
    const update = (...words: string[]) => fovea('online-endpoint', 'update', '--name', 'pets', ...words);
    const sum = await update('--traffic', 'blue=90 green=5');
    assert.match(sum.err, /--traffic blue=90 green=5 has 1 problem\n\n {2}traffic adds up to 95/);
    assert.match((await update('--traffic', 'blue=90 gren=10')).err, /no deployment "gren"; did you mean green\?/);
    assert.match((await update('--mirror-traffic', 'green=60')).err, /must be a whole number from 0 to 50, not 60/);
    assert.match((await update('--defaults', 'deployment_name=blue')).err, /has no defaults/);
    assert.equal((await update('--mirror-traffic', 'green=20')).code, 0);
    const both = await update('--traffic', 'blue=50 green=50');
    assert.match(both.err, /green has traffic of its own; a deployment gets live or mirrored requests, never both/);
    const split = await update('--traffic', 'blue=75 green=25', '--mirror-traffic', '', '--add', 'tags', 'c=d');
    assert.equal(split.code, 0, split.err);
    const { traffic, mirror_traffic, tags } = JSON.parse(split.out);
    assert.deepEqual([traffic, mirror_traffic, tags], [{ blue: 75, green: 25 }, {}, { a: 'b', c: 'd' }]);
    // Made again by its file it keeps its traffic.
    const again = await json('online-endpoint', 'create', '--file', endpoint);
    assert.deepEqual([again.traffic, again.tags], [{ blue: 75, green: 25 }, {}]);
    const table = await fovea('online-endpoint', 'list', '-o', 'table');
    assert.match(table.out, /pets +Succeeded +key +blue=75 green=25 +http/);
  });

  await t.test('keys are shown and replaced', async () => {
    const before = await json('online-endpoint', 'get-credentials', '--name', 'pets');
    const after = await json('online-endpoint', 'regenerate-keys', '-n', 'pets', '--key-type', 'Secondary');
    assert.equal(after.primaryKey, before.primaryKey);
    assert.notEqual(after.secondaryKey, before.secondaryKey);
    assert.equal((await fovea('online-endpoint', 'regenerate-keys', '-n', 'pets', '--key-type', 'third')).code, 2);
  });

  await t.test('a deployment is changed, looked at and removed', async () => {
    const blue = ['--endpoint-name', 'pets', '--name', 'blue'];
    const changed = await json('online-deployment', 'update', ...blue, '--set', 'tags.owner=me', '--only-show-errors');
    assert.deepEqual([changed.tags, changed.request_settings.request_timeout_ms], [{ owner: 'me' }, 60_000]);
    assert.equal((await json('online-deployment', 'show', ...blue)).revision, changed.revision);
    const table = await fovea('online-deployment', 'list', '-e', 'pets', '-o', 'table');
    assert.match(table.out, /blue +Succeeded +azureml:pets:1 +1 of 1/);
    assert.match((await fovea('online-deployment', 'get-logs', ...blue, '--lines', '5')).out, /"ready"/);
    const loaded = await fovea('online-deployment', 'get-logs', ...blue, '--container', 'storage-initializer');
    assert.match(loaded.out, /azureml:pets:1/);
    assert.match((await fovea('online-deployment', 'delete', ...blue, '--yes')).err, /blue has 75 % of the traffic/);
    assert.match((await fovea('online-deployment', 'delete', ...blue)).err, /nobody to ask/);
    assert.equal((await fovea('online-deployment', 'update', '--set', 'tags.a=b')).code, 2);
    assert.match((await fovea('online-deployment', 'update', ...blue)).err, /nothing is to be changed/);
    assert.match((await fovea('online-endpoint', 'update', '-n', 'pets')).err, /nothing is to be changed/);
  });

  await t.test('what fails says why', async () => {
    const { content } = await json('model', 'show', '--name', 'pets');
    // Not what was registered any more; only the keeper looks at each file.
    const [kept] = globSync(join(workspace, 'artefacts', '*', content.sha256, 'content', 'requirements.txt'));
    chmodSync(kept, 0o644);
    appendFileSync(kept, '\n');
    const failed = await fovea('online-deployment', 'create', '-f', deployment, '--name', 'red');
    assert.equal(failed.code, 1);
    assert.match(failed.err, /red of pets failed: the files of azureml:pets:1 .*\n +fovea online-deployment get-logs/);
    assert.equal((await fovea('online-deployment', 'delete', '-e', 'pets', '-n', 'red', '--yes')).code, 0);
  });

  await t.test('an endpoint goes with its deployments', async () => {
    const { code, err } = await fovea('online-endpoint', 'delete', '--name', 'pets', '--yes');
    assert.deepEqual([code, err], [0, '  pets and its 2 deployments are deleted\n']);
    assert.deepEqual(await json('online-endpoint', 'list'), []);
    assert.match((await fovea('online-endpoint', 'show', '-n', 'pets')).err, /there is no online endpoint pets/);
  });
});
