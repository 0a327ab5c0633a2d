import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce, inTurns, type Steps } from './steps.ts';

function* counting(log: string[]): Steps<number> {
  try {
    for (let i = 0; i < 3; i++) {
      log.push(`step ${i}`);
      yield;
    }
    return 7;
  } finally {
    log.push('freed');
  }
}

test('steps in turns let others run between them', async () => {
  const log: string[] = [];
  const work = inTurns(counting(log));
  setImmediate(() => log.push('another'));
  assert.equal(await work, 7);
  assert.ok(log.includes('another') && log.indexOf('another') < log.indexOf('step 2'), log.join());
  assert.deepEqual(
    log.filter((entry) => entry !== 'another'),
    ['step 0', 'step 1', 'step 2', 'freed'],
  );
});

test('an aborted signal ends the work before its next step, with its reason, and frees what it holds', async () => {
  const log: string[] = [];
  const controller = new AbortController();
  const work = inTurns(counting(log), controller.signal);
  controller.abort(new Error('the client went away'));
  await assert.rejects(work, /the client went away/);
  assert.deepEqual(log, ['step 0', 'freed']);
});

test('all at once', () => assert.equal(atOnce(counting([])), 7));
