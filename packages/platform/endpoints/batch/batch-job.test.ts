import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunEvent } from '@fovea/automl/runs';
import {
  batchProcesses,
  batchWorkspace,
  drawnShapes,
  here,
  newDeployment,
  newEndpoint,
} from '../../fixtures/batch-workspace.ts';
import { createRegistry } from '../../registry/registry.ts';
import { batchPaths, batchSettingOf } from './batch-job.ts';
import { createBatchEndpoints } from './create-batch-endpoints.ts';

test('what fails is told; more than is allowed ends the job; a job is cancelled, and goes on', async (t) => {
  const { folder, home, place, endpoints, workspace, ended } = await batchWorkspace(t);
  const where = here(folder);
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  for (const i of [0, 1, 2, 3]) copyFileSync(join(drawnShapes, `disc/${i}.png`), join(pictures, `a${i}.png`));
  for (const name of ['b1.png', 'b2.png']) writeFileSync(join(pictures, name), 'no picture');
  await endpoints.put(newEndpoint('shapes-batch'));
  const strict = newDeployment('shapes-batch', 'strict', 'colours', { error_threshold: 1, mini_batch_size: 2 });
  await endpoints.deploy(strict, where);
  const output = join(folder, 'copies');
  await endpoints.invoke({ endpoint: 'shapes-batch', input: 'pictures', output, jobName: 'strict' }, where);
  const failed = await ended('strict');
  assert.equal(failed.status, 'Failed');
  assert.match(
    failed.error ?? '',
    /^2 of 6 files failed, more than error_threshold: 1 .*b1\.png: it is not an image that can be read/,
  );
  // What was scored is there all the same, and where it was wanted.
  assert.deepEqual(readdirSync(output).sort(), ['predictions.csv', 'predictions.jsonl', 'summary.json']);
  const rows = readFileSync(failed.batch?.predictions_jsonl ?? '', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ file, error }) => `${file}${error ? ' failed' : ''}`),
    ['a0.png', 'a1.png', 'a2.png', 'a3.png', 'b1.png failed', 'b2.png failed'],
  );
  assert.deepEqual(JSON.parse(readFileSync(join(output, 'summary.json'), 'utf8')).failed, 2);

  await endpoints.deploy(newDeployment('shapes-batch', 'blue', 'shapes/model', { mini_batch_size: 5 }), where, {
    setDefault: true,
  });
  const events: RunEvent[] = [];
  let name = '';
  let length = 300;
  // Should it be done before it is canceled, a longer one is not.
  for (let status = ''; status !== 'Canceled'; ) {
    length *= status === '' ? 1 : 4;
    name = `long-${length}`;
    const row = (_: unknown, i: number) => JSON.stringify({ image_url: join(drawnShapes, `square/${i % 30}.png`) });
    writeFileSync(join(folder, 'rows.jsonl'), Array.from({ length }, row).join('\n'));
    await endpoints.invoke({ endpoint: 'shapes-batch', input: 'rows.jsonl', jobName: name }, where);
    events.length = 0;
    const watching = workspace.watch(name, { onEvent: (event) => events.push(event) });
    while (!events.some((event) => event.type === 'scored')) await wait(20);
    await workspace.cancel(name);
    ({ status } = await watching);
  }
  assert.deepEqual(
    batchProcesses(home).filter(({ kind }) => kind === 'instance'),
    [],
  );
  await workspace.resume(name);
  const completed = await ended(name);
  assert.deepEqual(
    [completed.status, completed.batch?.done, completed.batch?.failed],
    ['Completed', length, 0],
    completed.error ?? '',
  );
  const { results, miniBatches } = batchPaths(place, name);
  assert.equal(readFileSync(join(results, 'predictions.jsonl'), 'utf8').trimEnd().split('\n').length, length);
  assert.equal(existsSync(miniBatches), false);
  await workspace.archive(name);
  await workspace.delete(name);
  assert.equal(existsSync(batchPaths(place, name).folder), false);
});

test('a model that cannot be started ends the job; a process that dies again and again is given up', async (t) => {
  const { folder, place, store, workspace, ended } = await batchWorkspace(t);
  const where = here(folder);
  // Nobody works on jobs before the test has changed them.
  const endpoints = createBatchEndpoints(place, store, createRegistry(place, store), async () => {});
  await endpoints.put(newEndpoint('shapes-batch'));
  await endpoints.deploy(newDeployment('shapes-batch', 'blue', 'colours'), where);
  const change = async (name: string, changes: object) => {
    await endpoints.invoke({ endpoint: 'shapes-batch', input: join(drawnShapes, 'disc'), jobName: name }, where);
    const row = await store.jobs.find(name);
    assert.ok(row);
    await store.jobs.patch(name, { setting: { ...batchSettingOf(row), ...changes } });
  };
  await change('gone', { modelFolder: join(folder, 'gone') });
  await change('dying', { environment: { NODE_OPTIONS: '--require=/nothing/there.cjs' } });
  await workspace.jobs();
  const [gone, dying] = [await ended('gone'), await ended('dying')];
  assert.match(gone.error ?? '', /^the model cannot be started: .*gone/);
  assert.match(
    dying.error ?? '',
    /ended with exit code 1; it last said:[\s\S]*MODULE_NOT_FOUND[\s\S]*try 3 without one finished mini-batch/,
  );
  assert.deepEqual([gone.status, dying.status], ['Failed', 'Failed']);
});
