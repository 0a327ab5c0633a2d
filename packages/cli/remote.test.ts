// The commands on the workspace of a server: one job by a process of its own, and what comes after it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { drawRedAndBlue } from './fixtures/png.ts';
import { ended } from './fixtures/staged-command.ts';
import { run } from './program.ts';
import { installedServices } from './services.ts';

const main = join(import.meta.dirname, 'main.ts');
const names = ['FOVEA_SERVER', 'FOVEA_TOKEN', 'FOVEA_CA', 'XDG_CACHE_HOME'] as const;
let folder: string;
let home: string;
let server: ChildProcess;
let variables: Record<(typeof names)[number], string>;

/** Runs a command in this process. */
async function fovea(...argv: string[]) {
  const written = { out: '', err: '' };
  const channel = (name: 'out' | 'err') => ({
    ...{ isTerminal: false, columns: () => 100, paint: (_: string, text: string) => text },
    write: (text: string) => {
      written[name] += text;
    },
  });
  const terminal = { out: channel('out'), err: channel('err') } as unknown as Parameters<typeof run>[1]['terminal'];
  const code = await run(argv, { terminal, services: installedServices });
  return { code, ...written };
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-remote-'));
  home = join(folder, 'server');
  drawRedAndBlue(folder);
  const parameters = { model_name: 'mobilenetv2', number_of_epochs: 1, training_batch_size: 8 };
  const sizes = { training_crop_size: 32, validation_crop_size: 32, validation_resize_size: 32 };
  const job = { type: 'automl', task: 'image_classification', target_column_name: 'label' };
  const data = { training_data: { path: 'pictures' }, training_parameters: { ...parameters, ...sizes } };
  writeFileSync(join(folder, 'job.yml'), JSON.stringify({ ...job, ...data }));
  const made = await fovea('token', 'create', '--name', 'me', '--workspace', home);
  server = spawn(process.execPath, [main, 'serve', '--port', '0', '--no-endpoints', '--workspace', home], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    server.stdout?.once('data', (chunk) => resolve(String(chunk).trim()));
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  variables = {
    ...{ FOVEA_SERVER: url, FOVEA_TOKEN: made.out.trim(), FOVEA_CA: join(home, 'tls', 'ca.pem') },
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  Object.assign(process.env, variables);
});

after(async () => {
  for (const name of names) delete process.env[name];
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  await gone;
  rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 200 });
});

test('a job file is trained on a server with the pictures of this machine, and the model comes back', async () => {
  const create = [
    'job',
    'create',
    '--file',
    join(folder, 'job.yml'),
    '--name',
    'colours',
    '--weights',
    'none',
    '--stream',
  ];
  const { code, out, err } = await ended(spawn(process.execPath, [main, ...create], { cwd: folder }));
  assert.equal(code, 0, err);
  const record = JSON.parse(out);
  assert.deepEqual([record.status, record.model], ['Completed', 'azureml://jobs/colours/outputs/best_model']);
  assert.match(err, /24 images · 2 classes \(blue 12, red 12\)/);
  assert.match(err, /epoch 1\/1 {2}accuracy /);
  assert.doesNotMatch(err, new RegExp(home));
  assert.equal(existsSync(join(folder, '.fovea')), false, 'nothing of it is here');

  assert.match((await fovea('job', 'list', '-o', 'table')).out, /colours +Completed/);
  assert.match((await fovea('trial', 'logs', '--name', 'colours_HD_0')).out, /INFO epoch 1\/1/);
  const fetched = await fovea('job', 'download', '--name', 'colours', '-p', folder, '--output-name', 'best_model');
  assert.equal(fetched.code, 0, fetched.err);
  const model = join(folder, 'colours', 'named-outputs', 'best_model');
  assert.deepEqual(JSON.parse(readFileSync(join(model, 'artifacts', 'labels.json'), 'utf8')), ['blue', 'red']);

  const created = await fovea('model', 'create', '--name', 'mine', '--path', model, '--type', 'mlflow_model');
  assert.equal(created.code, 0, created.err);
  assert.equal(JSON.parse(created.out).id, 'azureml:mine:1');
  const listed = await fovea('model', 'list', '--query', '[].name', '-o', 'json');
  assert.deepEqual(JSON.parse(listed.out), ['mine']);
  const predicted = await fovea('predict', 'azureml:mine@latest', join(folder, 'pictures'), '-o', 'json');
  assert.equal(predicted.code, 0, predicted.err);
  assert.equal(JSON.parse(predicted.out).length, 24);
  const downloaded = await fovea('model', 'download', '--name', 'mine', '-p', join(folder, 'models'));
  assert.equal(downloaded.code, 0, downloaded.err);
  assert.ok(existsSync(join(folder, 'models', 'mine', 'artifacts', 'model.onnx')));
});

test('what does not go together with a server is said', async () => {
  const both = await fovea('job', 'list', '--server', 'https://localhost:1', '--workspace', home);
  assert.deepEqual([both.code, /--server and --workspace at once/.test(both.err)], [2, true]);
  assert.equal(
    (await fovea('job', 'list', '--workspace', join(folder, 'other'))).out,
    '[]\n',
    'what is typed counts more',
  );
  const local = await fovea('token', 'list');
  assert.match(local.err, /fovea token list works on this machine alone, not on a server\n.*FOVEA_SERVER names/s);
  const typed = await fovea('schema', 'job', '--server', 'https://localhost:1');
  assert.equal(typed.code, 2);
  const missing = await fovea('job', 'show', '--name', 'nothing');
  assert.match(missing.err, new RegExp(`no job called nothing on ${variables.FOVEA_SERVER}`));
  const wrong = await fovea('job', 'create', '-f', join(folder, 'job.yml'), '--set', 'training_data.path=none');
  assert.match(wrong.err, /none has 1 problem\n\n {2}there is no such file or folder\nNothing was started/);
  process.env.FOVEA_TOKEN = 'secret';
  assert.match((await fovea('job', 'list')).err, /FOVEA_TOKEN is no token/);
  writeFileSync(join(folder, 'token'), `${variables.FOVEA_TOKEN}\n`);
  assert.equal((await fovea('job', 'list', '--token-file', join(folder, 'token'))).code, 0);
  process.env.FOVEA_TOKEN = variables.FOVEA_TOKEN;
  const refused = await fovea('job', 'list', '--server', 'https://localhost:1');
  assert.match(refused.err, /https:\/\/localhost:1 refuses connections/);
});
