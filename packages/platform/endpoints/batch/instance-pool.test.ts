import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { InstancePool } from './instance-pool.ts';

const fixtures = fileURLToPath(new URL('../../../serving/fixtures/', import.meta.url));
const picture = readFileSync(join(fixtures, 'shapes/pictures/disc/0.png')).toString('base64');
/** Pictures that want so many steps to be explained. */
const explained = (n_steps: number): string =>
  JSON.stringify({ image_base64: picture, model_explainability: true, xai_parameters: { n_steps } });

/** Instances that are killed by what takes 2 steps, and hang at what takes 3. */
function pool(t: TestContext, { model = join(fixtures, 'colours'), seconds = 60 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-pool-'));
  const explainer = join(folder, 'explainer.mjs');
  writeFileSync(
    explainer,
    `export const openExplainer = async () => async ({ parameters: { n_steps } }) => {
      if (n_steps === 2) process.kill(process.pid, 'SIGKILL');
      return n_steps === 3 ? new Promise(() => {}) : { visualizations: 'drawn' };
    };`,
  );
  const said: string[] = [];
  const made = new InstancePool({
    ...{ instances: 1, concurrency: 2, seconds },
    start: () => ({
      options: {
        model,
        socket: join(folder, 's'),
        threads: 1,
        explainer,
        requestTimeoutMs: seconds * 1000,
        maxConcurrentRequestsPerInstance: 2,
      },
      ...{ environment: {}, log: join(folder, 'log') },
    }),
    say: (_, message) => said.push(message),
  });
  t.after(async () => {
    await made.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { pool: made, said };
}

test('a picture that kills the process that scores it costs that process, and the next one is answered', async (t) => {
  const { pool: instances, said } = pool(t);
  const [killed, beside] = await Promise.all([instances.ask([explained(2)], true), instances.ask([picture], false)]);
  assert.ok(killed.kind === 'failed' && /the process that scored it was killed by SIGKILL/.test(killed.message));
  // It had to wait until the other one was alone no more.
  assert.equal(beside.kind, 'answered');
  const refused = await instances.ask([picture, 'no picture'], false);
  assert.ok(
    refused.kind === 'refused' && /^it is not base64|^the image is/.test(refused.message),
    JSON.stringify(refused),
  );
  const answered = await instances.ask([picture, explained(50)], false);
  assert.ok(answered.kind === 'answered' && answered.answers[1].visualizations === 'drawn');
  assert.equal(said.filter((line) => /is ready/.test(line)).length, 2);
});

test('what takes too long has failed, and its process is another', async (t) => {
  const { pool: instances, said } = pool(t, { seconds: 1 });
  for (const _ of [1, 2]) {
    const hung = await instances.ask([explained(3)], true);
    assert.ok(
      hung.kind === 'failed' && /no answer within 1 s \(retry_settings\.timeout\)/.test(hung.message),
      JSON.stringify(hung),
    );
  }
  assert.equal(said.filter((line) => /is ready/.test(line)).length, 2);
});

test('a model that cannot be loaded ends the waiting', async (t) => {
  const { pool: instances } = pool(t, { model: join(fixtures, 'none') });
  await assert.rejects(instances.ask([picture], false), /the model cannot be started: .*none/);
  await assert.rejects(instances.ask([picture], false), /the model cannot be started/);
});
