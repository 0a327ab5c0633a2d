import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './program.ts';
import { installedServices } from './services.ts';
import type { Channel } from './terminal.ts';

const shapes = fileURLToPath(new URL('../serving/fixtures/shapes', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-batch-cli-'));
  mkdirSync(join(folder, 'pictures'));
  for (const i of [0, 1, 2])
    copyFileSync(join(shapes, `pictures/disc/${i}.png`), join(folder, `pictures/disc${i}.png`));
  writeFileSync(join(folder, 'pictures/notes.png'), 'no picture');
  writeFileSync(
    join(folder, 'deployment.yml'),
    `name: blue\nendpoint_name: pets-batch\nmodel:\n  path: ${shapes}/model\n  type: mlflow_model\nsettings:\n  mini_batch_size: 2\n`,
  );
});
// The process that works on jobs goes on for ten seconds, and writes its log there.
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

/** Runs a command in this process. */
async function fovea(...words: string[]) {
  const written = { out: '', err: '' };
  const channel = (name: 'out' | 'err'): Channel => ({
    ...{ isTerminal: false, columns: () => 120, paint: (_, text) => text },
    write: (text) => {
      written[name] += text;
    },
  });
  const terminal = { out: channel('out'), err: channel('err'), flush: async () => {} };
  const home = join(folder, 'workspace');
  const code = await run([...words, '--workspace', home], { terminal, services: installedServices });
  return { code, ...written, json: () => JSON.parse(written.out) };
}

test('an endpoint, a deployment, and a folder that becomes a table', async () => {
  const wrong = await fovea('batch-endpoint', 'create');
  assert.deepEqual([wrong.code, /there is no name/.test(wrong.err)], [2, true], wrong.err);
  assert.equal((await fovea('ml', 'batch-endpoint', 'create', '--name', 'pets-batch', '-g', 'group')).code, 0);
  const early = await fovea('batch-endpoint', 'invoke', '--name', 'pets-batch', '--input', join(folder, 'pictures'));
  assert.match(early.err, /pets-batch has no deployment yet; fovea batch-deployment create/);
  const file = join(folder, 'deployment.yml');
  const made = await fovea(
    'batch-deployment',
    'create',
    '--file',
    file,
    '--set-default',
    '--set',
    'settings.max_concurrency_per_instance=2',
  );
  assert.equal(made.code, 0, made.err);
  const { model, settings } = made.json();
  assert.deepEqual(
    [model, settings.mini_batch_size, settings.max_concurrency_per_instance],
    ['azureml:pets-batch-blue:1', 2, 2],
  );
  const twice = await fovea('batch-deployment', 'create', '--file', file);
  assert.deepEqual([twice.code, /already; fovea batch-deployment update/.test(twice.err)], [1, true], twice.err);
  const changed = await fovea(
    'batch-deployment',
    'update',
    '-n',
    'blue',
    '-e',
    'pets-batch',
    '--set',
    'settings.mini_batch_size=3',
  );
  assert.deepEqual(
    [changed.json().settings.mini_batch_size, changed.json().settings.max_concurrency_per_instance],
    [3, 2],
    changed.err,
  );
  const described = await fovea('batch-endpoint', 'update', '-n', 'pets-batch', '--set', 'description=folders of pets');
  assert.deepEqual(
    [described.json().description, described.json().defaults.deployment_name],
    ['folders of pets', 'blue'],
    described.err,
  );
  const odd = await fovea('batch-endpoint', 'update', '-n', 'pets-batch', '--defaults', 'green');
  assert.match(odd.err, /--defaults green says no deployment/);

  const twoInputs = await fovea(
    'batch-endpoint',
    'invoke',
    '-n',
    'pets-batch',
    '--input',
    'a',
    '--input-local-path',
    'b',
  );
  assert.match(twoInputs.err, /--input and --input-local-path at once/);
  const invoked = await fovea(
    ...[
      'batch-endpoint',
      'invoke',
      '--name',
      'pets-batch',
      '--input-path',
      `folder:${join(folder, 'pictures')}`,
      '--stream',
    ],
    ...[
      '--job-name',
      'first',
      '--output-path',
      join(folder, 'results'),
      '--mini-batch-size',
      '2',
      '--set',
      'tags.by=me',
    ],
  );
  assert.equal(invoked.code, 0, invoked.err);
  assert.match(invoked.err, /✓ scored 3 of 4 files · 1 failed · .*\n {4}results .*predictions\.csv\n/);
  const { status, type, tags, batch } = invoked.json();
  assert.deepEqual([status, type, tags, batch.done, batch.failed], ['Completed', 'batch', { by: 'me' }, 4, 1]);
  const [head, first, ...rows] = readFileSync(join(folder, 'results/predictions.csv'), 'utf8').trimEnd().split('\r\n');
  assert.equal(head, 'file,label,score,prediction,error');
  assert.match(first, /^disc0\.png,disc,0\.9\d+,/);
  assert.match(rows.at(-1) ?? '', /^notes\.png,,,,.*it is not an image that can be read/);

  const jobs = await fovea('batch-endpoint', 'list-jobs', '--name', 'pets-batch', '-o', 'table');
  assert.match(jobs.out, /first +Completed +3 of 4, 1 failed/);
  assert.match(
    (await fovea('job', 'list', '-o', 'table')).out,
    /first +Completed +classification +files scored +3 of 4, 1 failed/,
  );
  assert.equal((await fovea('batch-deployment', 'list-jobs', '-n', 'blue', '-e', 'pets-batch')).json().length, 1);
  assert.match((await fovea('job', 'stream', '--name', 'first')).out, /INFO 3 scored, 1 failed\n$/);
  assert.equal((await fovea('job', 'download', '--name', 'first', '-p', join(folder, 'copies'))).code, 0);
  assert.deepEqual(readdirSync(join(folder, 'copies/first/named-outputs/score')).sort(), [
    'predictions.csv',
    'predictions.jsonl',
    'summary.json',
  ]);
  assert.match(
    (await fovea('job', 'download', '--name', 'first', '--output-name', 'best_model')).err,
    /its output is score/,
  );

  assert.match((await fovea('batch-endpoint', 'delete', '--name', 'pets-batch')).err, /there is nobody to ask/);
  assert.equal((await fovea('batch-deployment', 'delete', '-n', 'blue', '-e', 'pets-batch', '--yes')).code, 0);
  assert.deepEqual((await fovea('batch-deployment', 'list', '-e', 'pets-batch')).json(), []);
  assert.equal((await fovea('batch-endpoint', 'delete', '--name', 'pets-batch', '--yes')).code, 0);
  assert.match(
    (await fovea('batch-endpoint', 'show', '--name', 'pets-batch')).err,
    /there is no batch endpoint pets-batch/,
  );
});
