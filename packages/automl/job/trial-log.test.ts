import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunEvent } from './events.ts';
import { logTrial, trialLogPath } from './trial-log.ts';

const EVENTS: RunEvent[] = [
  { type: 'phase', name: 'data', message: 'reading the data' },
  {
    ...{ type: 'step', trial: 't', epoch: 1, epochs: 2, step: 3, steps: 4, loss: 0.5, metricName: 'accuracy' },
    ...{ imagesPerSecond: 1, etaSeconds: 1 },
  },
  { type: 'epoch', trial: 't', epoch: 1, epochs: 2, metrics: { accuracy: 0.75 }, improved: true },
  { type: 'log', level: 'warning', message: 'slow' },
  { type: 'log', level: 'error', message: 'broken' },
];

function logged(verbosity: Parameters<typeof logTrial>[1]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-log-'));
  try {
    const log = logTrial(folder, verbosity);
    for (const event of EVENTS) log(event);
    const text = readFileSync(trialLogPath(folder), 'utf8').trim();
    return text.split('\n').map((line) => line.replace(/^\S+ /, ''));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('log_verbosity decides how much of a trial is written', () => {
  const info = ['INFO reading the data', 'INFO epoch 1/2 accuracy 0.75 (best so far)', 'WARNING slow', 'ERROR broken'];
  assert.deepEqual(logged('info'), info);
  assert.deepEqual(logged('debug'), [info[0], 'DEBUG epoch 1/2 step 3/4 loss 0.500000', ...info.slice(1)]);
  assert.deepEqual(logged('not_set'), logged('debug'));
  assert.deepEqual(logged('warning'), ['WARNING slow', 'ERROR broken']);
  assert.deepEqual(logged('error'), ['ERROR broken']);
});
