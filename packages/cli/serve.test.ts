import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stagedServices } from './fixtures/staged-services.ts';
import { run } from './program.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const scope = '/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/ws';

function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-serve-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command in this process. */
async function fovea(folder: string, ...argv: string[]) {
  const written = { out: '', err: '' };
  const channel = (name: 'out' | 'err') => ({
    ...{ isTerminal: false, columns: 100, paint: (_: string, text: string) => text },
    write: (text: string) => {
      written[name] += text;
    },
  });
  const terminal = { out: channel('out'), err: channel('err') } as unknown as Parameters<typeof run>[1]['terminal'];
  const code = await run([...argv, '--workspace', join(folder, 'workspace')], { terminal, services: stagedServices });
  return { code, ...written };
}

/** Processes that have this text in their command line. */
const processesWith = (text: string): number[] =>
  globSync('/proc/[0-9]*/cmdline').flatMap((path) => {
    try {
      return readFileSync(path, 'utf8').includes(text) ? [Number(path.split('/')[2])] : [];
    } catch {
      return [];
    }
  });

test('a workspace is served to who has a token, its endpoints too, and Ctrl-C ends the server with its processes', async (t) => {
  const folder = freshFolder(t);
  const workspace = join(folder, 'workspace');
  const made = await fovea(folder, 'token', 'create', '--name', 'me', '--role', 'reader');
  assert.equal(made.code, 0, made.err);
  const token = made.out.trim();

  const ports = ['--port', '0', '--scoring-port', '0'];
  const child = spawn(process.execPath, [main, 'serve', ...ports, '--workspace', workspace]);
  t.after(() => child.kill('SIGKILL'));
  const said: string[] = [];
  child.stderr.on('data', (chunk) => said.push(String(chunk)));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(String(chunk).trim()));
    child.once('exit', () => reject(new Error(said.join(''))));
  });
  const ca = readFileSync(join(workspace, 'tls', 'ca.pem'));
  const ask = (path: string, authorization?: string, base = url) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      request(`${base}${path}`, { ca, headers: { ...(authorization && { authorization }) } }, (answer) => {
        let text = '';
        answer
          .on('data', (chunk) => (text += chunk))
          .on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      })
        .on('error', reject)
        .end();
    });
  assert.equal((await ask(`${scope}?api-version=2022-10-01`)).status, 401);
  const answered = await ask(`${scope}?api-version=2022-10-01`, `Bearer ${token}`);
  assert.deepEqual([answered.status, JSON.parse(answered.text).name], [200, 'ws']);
  assert.match(said.join(''), /NODE_EXTRA_CA_CERTS=.*ca\.pem/);
  const scoring = () => /online endpoints answer at (https:\/\/localhost:\d+)/.exec(said.join(''))?.[1];
  while (scoring() === undefined) await once(child.stderr, 'data');
  const none = await ask('/pets/score', `Bearer ${token}`, scoring());
  assert.deepEqual([none.status, none.text.includes('error')], [404, true], none.text);

  const rotated = (await fovea(folder, 'token', 'rotate', '--name', 'me', '--at-once')).out.trim();
  assert.equal((await ask(`${scope}?api-version=2022-10-01`, `Bearer ${token}`)).status, 401);
  assert.equal((await ask(`${scope}?api-version=2022-10-01`, `Bearer ${rotated}`)).status, 200);
  await fovea(folder, 'token', 'revoke', '--name', 'me');
  assert.equal((await ask(`${scope}?api-version=2022-10-01`, `Bearer ${rotated}`)).status, 401);

  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  assert.equal(await ended, 0, said.join(''));
  // A process that waits for a trial sees that nobody will bring it one when it has loaded the engine.
  const deadline = AbortSignal.timeout(60_000);
  while (processesWith(workspace).length > 0) await wait(50, undefined, { signal: deadline });
});

test('models and data under names and versions: registered, listed, changed, hidden, copied', async (t) => {
  const folder = freshFolder(t);
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  writeFileSync(join(pictures, 'a.png'), 'a');
  const file = join(folder, 'data.yml');
  writeFileSync(file, 'name: pets\npath: pictures\ntype: uri_folder\ntags: {of: us}\n');

  const data = await fovea(folder, 'data', 'create', '--file', file, '--set', 'tags.more=yes');
  assert.equal(data.code, 0, data.err);
  const record = JSON.parse(data.out);
  assert.deepEqual([record.id, record.location, record.tags], ['azureml:pets:1', pictures, { of: 'us', more: 'yes' }]);
  assert.match((await fovea(folder, 'data', 'create', '--file', file, '--version', '1')).err, /version 1 already/);
  writeFileSync(file, 'name: pets\npath: pictures\nkind: x\n');
  assert.match((await fovea(folder, 'data', 'create', '--file', file)).err, /unknown key kind/);

  const model = ['model', 'create', '--name', 'm', '--path', pictures];
  for (const version of ['1', '2']) assert.equal((await fovea(folder, ...model)).code, 0, version);
  assert.match((await fovea(folder, ...model, '--type', 'mlflow_model')).err, /no file MLmodel/);
  const list = async (...more: string[]) =>
    (await fovea(folder, 'model', 'list', '--query', '[].version', '-o', 'json', ...more)).out;
  assert.deepEqual(JSON.parse(await list('--name', 'm')), ['2', '1']);
  assert.deepEqual(JSON.parse(await list()), ['2']);
  await fovea(folder, 'model', 'archive', '-n', 'm', '-v', '2');
  assert.deepEqual(JSON.parse(await list()), ['1']);
  const changed = await fovea(folder, 'model', 'update', '-n', 'm', '-v', '1', '--set', 'description=good', 'tags.a=b');
  const { description, tags } = JSON.parse(changed.out);
  assert.deepEqual([description, tags], ['good', { a: 'b' }]);
  assert.equal((await fovea(folder, 'model', 'download', '-n', 'm', '-l', 'latest', '-p', folder)).code, 0);
  assert.equal(readFileSync(join(folder, 'm', 'a.png'), 'utf8'), 'a');
  const missing = await fovea(folder, 'model', 'show', '-n', 'nothing');
  assert.deepEqual([missing.code, /there is no model "nothing"/.test(missing.err)], [1, true]);
});
