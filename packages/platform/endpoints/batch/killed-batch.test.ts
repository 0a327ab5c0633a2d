import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createRng } from '@fovea/data';
import {
  batchProcesses,
  batchWorkspace,
  drawnShapes,
  here,
  newDeployment,
  newEndpoint,
} from '../../fixtures/batch-workspace.ts';
import { kill } from '../../fixtures/drawn-workspace.ts';
import { batchPaths } from './batch-job.ts';
import { KeptResults } from './kept-results.ts';

/** The drawn shapes over and over, so that there is time to kill something, and two rows that fail. */
function writeRows(path: string): void {
  const shapes = ['disc', 'square', 'triangle'].flatMap((shape) =>
    Array.from({ length: 30 }, (_, i) => `${shape}/${i}.png`),
  );
  const rows = Array.from({ length: 360 }, (_, i) => ({ image_url: join(drawnShapes, shapes[i % shapes.length]) }));
  rows.splice(100, 0, { image_url: 'none.png' });
  rows.splice(300, 0, { image_url: join(drawnShapes, '../model/MLmodel') });
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
}

test('worker, instance and orchestrator killed at whatever moment: the results are those of an undisturbed run', async (t) => {
  const { folder, home, place, endpoints, workspace, ended } = await batchWorkspace(t);
  writeRows(join(folder, 'rows.jsonl'));
  await endpoints.put(newEndpoint('shapes-batch'));
  await endpoints.deploy(newDeployment('shapes-batch', 'blue', 'shapes/model'), here(folder));
  const invoke = (jobName: string) =>
    endpoints.invoke({ endpoint: 'shapes-batch', input: 'rows.jsonl', jobName }, here(folder));
  const read = (name: string) => {
    const { results } = batchPaths(place, name);
    return Object.fromEntries(
      readdirSync(results)
        .filter((file) => file !== 'summary.json')
        .map((file) => [file, readFileSync(join(results, file), 'utf8')]),
    );
  };

  await invoke('undisturbed');
  const undisturbed = await ended('undisturbed');
  assert.deepEqual(
    [undisturbed.status, undisturbed.batch?.done, undisturbed.batch?.failed],
    ['Completed', 362, 2],
    undisturbed.error ?? '',
  );
  const wanted = read('undisturbed');
  assert.deepEqual(Object.keys(wanted), ['predictions.csv', 'predictions.jsonl']);
  const lines = wanted['predictions.jsonl']
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.filter(({ error }) => error).map(({ file }) => file),
    ['none.png', join(drawnShapes, '../model/MLmodel')],
  );

  const rng = createRng(11);
  await invoke('disturbed');
  const kept = new KeptResults(batchPaths(place, 'disturbed').miniBatches);
  let killed = 0;
  for (const kind of ['worker', 'instance', 'orchestrator', 'worker'] as const) {
    // So many mini-batches later.
    const goal = kept.numbers().length + 1 + rng.int(6);
    for (;;) {
      const job = await workspace.job('disturbed');
      if (job?.status === 'Completed') break;
      const victims = batchProcesses(home).filter((one) => one.kind === kind);
      if (kept.numbers().length >= goal && victims.length > 0) {
        for (const { pid } of victims) kill(pid);
        killed += victims.length;
        break;
      }
      await wait(10);
    }
  }
  const disturbed = await ended('disturbed');
  assert.deepEqual(
    [disturbed.status, disturbed.batch?.done, disturbed.batch?.failed],
    ['Completed', 362, 2],
    disturbed.error ?? '',
  );
  assert.ok(killed >= 1, 'nothing was killed');
  assert.deepEqual(read('disturbed'), wanted);
  assert.deepEqual(
    readdirSync(batchPaths(place, 'disturbed').folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /tmp$|old$|mini-batches/.test(path),
    ),
    [],
    'nothing half-written stays',
  );
  // Instances of a worker that was killed have ended, too.
  while (batchProcesses(home).some(({ kind }) => kind === 'instance')) await wait(20);
});
