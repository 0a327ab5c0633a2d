import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, base64, colour, explained, modelFolder, scoring } from '../fixtures/served.ts';
import { type InstanceMessage, instanceProgram } from './index.ts';

const children: ChildProcess[] = [];
let work: string;
/** A module that explains, half a second later. */
let explainer: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-process-'));
  explainer = join(work, 'explainer.mjs');
  await writeFile(
    explainer,
    `export const openExplainer = async (folder) => async ({ parameters }) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { visualizations: folder + ' ' + parameters.xai_algorithm };
    };`,
  );
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(work, { recursive: true });
});

type Ready = Extract<InstanceMessage, { kind: 'ready' }>;

interface Started {
  child: ChildProcess;
  said: () => string;
  ended: Promise<unknown[]>;
}

function start(options: object | string, { channel = true, input = '' } = {}): Started {
  const argument = typeof options === 'string' ? options : JSON.stringify(options);
  const child = spawn(process.execPath, [instanceProgram, argument], {
    stdio: ['pipe', 'pipe', 'inherit', ...(channel ? (['ipc'] as const) : [])],
    env: { ...process.env, TMPDIR: join(work) },
  });
  children.push(child);
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  child.stdin?.end(input);
  return { child, said: () => said, ended: once(child, 'exit') };
}

async function message({ child }: Started): Promise<InstanceMessage> {
  const [told] = await once(child, 'message');
  return told;
}

async function ready(started: Started): Promise<Ready> {
  const told = await message(started);
  assert.ok(told.kind === 'ready', JSON.stringify(told));
  return told;
}

const model = modelFolder('colours');
const options = { model, threads: 1 };

test('it tells where it listens, answers, and on SIGTERM finishes what has come before it ends', async () => {
  const started = start({ ...options, explainer });
  const instance = await ready(started);
  assert.deepEqual(instance.model.labels, ['red', 'green', 'blue']);
  const image = await colour(1, 200, 3);
  // What is explained takes half a second; the signal comes in between.
  const asked = ask(instance, scoring(explained(image)));
  await sleep(150);
  started.child.kill('SIGTERM');
  await sleep(50);
  await assert.rejects(ask(instance, scoring(base64(image))), /ECONNREFUSED/);
  const { status, json, headers } = await asked;
  assert.equal(status, 200);
  assert.equal(json[0].visualizations, `${model} xrai`);
  assert.equal(headers.connection, 'close');
  assert.deepEqual(await started.ended, [0, null]);
  const lines = started
    .said()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);
  assert.deepEqual(lines, ['ready', 'draining', 'request', 'ended']);
});

test('a module that explains runs in a thread; what it refuses is told, and what it lacks', async () => {
  const busy = join(work, 'busy.mjs');
  await writeFile(
    busy,
    `export const openExplainer = async () => async ({ parameters: { n_steps }, signal }) => {
      if (n_steps === 2) throw Object.assign(new Error('two steps lead nowhere'), { name: 'ExplanationError' });
      if (n_steps === 3) process.exit(7);
      if (n_steps === 4) throw new Error('secret');
      const end = performance.now() + 2000;
      while (performance.now() < end);
      return { attributions: [[signal.aborted]] };
    };`,
  );
  const started = start({ ...options, explainer: busy, maxConcurrentRequestsPerInstance: 4 });
  const instance = await ready(started);
  const image = await colour(1, 200, 3);
  const explain = (n_steps: number) => ask(instance, scoring(explained(image, { n_steps, attributions: true })));
  const long = explain(50);
  await sleep(200);
  const begun = performance.now();
  assert.equal((await ask(instance, scoring(base64(image)))).status, 200);
  assert.ok(performance.now() - begun < 1500, 'an answer waited for an explanation');
  assert.deepEqual((await long).json[0].attributions, [[false]]);
  const refused = await explain(2);
  assert.deepEqual([refused.status, refused.json.error.message], [400, 'two steps lead nowhere']);
  for (const steps of [3, 4]) {
    const failed = await explain(steps);
    assert.equal(failed.status, 500);
    assert.doesNotMatch(failed.text, /secret/);
  }
  assert.equal((await explain(50)).status, 200);
  started.child.kill('SIGTERM');
  assert.deepEqual(await started.ended, [0, null]);

  const without = start({ ...options, explainer: join(work, 'none.mjs') });
  const { status, json } = await ask(await ready(without), scoring(explained(image)));
  assert.deepEqual([status, json.error.code], [400, 'ExplanationsUnavailable']);
  assert.match(json.error.message, /cannot explain: Cannot find module .*none\.mjs/);
  without.child.kill('SIGTERM');
  await without.ended;
});

test('what is not finished in time is cut off', async () => {
  const started = start({ ...options, explainer, drainTimeoutMs: 50 });
  const instance = await ready(started);
  const asked = ask(instance, scoring(explained(await colour(1, 200, 3))));
  const cut = assert.rejects(asked, /socket hang up|ECONNRESET/);
  await sleep(200);
  started.child.kill('SIGINT');
  await cut;
  assert.deepEqual(await started.ended, [0, null]);
});

test('without a channel its log tells where it listens; options come on standard input, too', async () => {
  const started = start('-', { channel: false, input: JSON.stringify({ model, threads: 1 }) });
  while (!started.said().includes('"msg":"ready"')) await sleep(20);
  const { host, port } = JSON.parse(started.said());
  assert.equal((await ask({ address: { host, port } })).text, 'Healthy');
  started.child.kill('SIGTERM');
  assert.deepEqual(await started.ended, [0, null]);
});

test('it ends when the process that started it is gone', async () => {
  const started = start({ model, threads: 1 });
  await ready(started);
  started.child.disconnect();
  assert.deepEqual(await started.ended, [0, null]);
});

test('it ends when that process was gone before the model was loaded', async () => {
  const started = start({ model, threads: 1 });
  started.child.disconnect();
  assert.deepEqual(await started.ended, [0, null]);
});

test('what keeps it from starting is told', async () => {
  for (const [given, expected] of [
    [{ model: join(work, 'none') }, /the file is not there/],
    [{ model, port: 'x', colour: 1 }, /"colour" is no option.*port should be a whole number/],
    ['{', /the options are not JSON/],
  ] as const) {
    const started = start(given);
    const told = await message(started);
    assert.ok(told.kind === 'failed');
    assert.match(told.message, expected);
    assert.deepEqual(await started.ended, [1, null]);
    assert.match(started.said(), /"level":60/);
  }
});

test('killed under load, it leaves nothing behind, and the next one has its port', async () => {
  const first = start({ model, threads: 1, maxConcurrentRequestsPerInstance: 16 });
  const instance = await ready(first);
  assert.ok('port' in instance.address);
  const before = await readdir(work);
  const question = scoring(base64(await colour(1, 200, 3)));
  let answered = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: 8 }, async () => {
    for (;;) {
      try {
        assert.equal((await ask(instance, question)).status, 200);
        answered++;
      } catch (error) {
        failures.push(String(error));
        return;
      }
    }
  });
  while (answered < 50) await sleep(5);
  first.child.kill('SIGKILL');
  await Promise.all(clients);
  assert.deepEqual(await first.ended, [null, 'SIGKILL']);
  // Each client lost the one request that it had on its way, or could not connect.
  assert.ok(
    failures.every((failure) => /ECONNRESET|ECONNREFUSED|socket hang up/.test(failure)),
    failures.join('\n'),
  );
  assert.deepEqual(await readdir(work), before);
  const second = start({ model, threads: 1, port: instance.address.port });
  assert.equal((await ask(await ready(second), question)).status, 200);
  second.child.kill();
  await second.ended;
});
