import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeDeath, isGivenUp } from './deaths.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-deaths-'));
after(() => rmSync(folder, { recursive: true }));
const log = join(folder, 'process.log');
writeFileSync(log, `${Array.from({ length: 20 }, (_, i) => `line ${i}`).join('\n')}\n`);

const end = { code: null, signal: null, memoryWasShort: false };

test('a process that crashed says what it last said, and is given up after three tries', () => {
  const crashed = describeDeath({ ...end, code: 1 }, log);
  assert.match(crashed.words, /^ended with exit code 1; it last said:\nline 12\n(.*\n)+line 19$/);
  assert.match(describeDeath({ ...end, signal: 'SIGSEGV' }, join(folder, 'none')).words, /^killed by SIGSEGV$/);
  assert.deepEqual(
    [2, 3].map((attempts) => isGivenUp(attempts, crashed)),
    [false, true],
  );
});

test('one that ran out of memory is told from one that somebody killed, which says nothing of the trial', () => {
  const short = describeDeath({ ...end, signal: 'SIGKILL', memoryWasShort: true }, log);
  assert.match(short.words, /^killed by signal 9, when the machine was out of memory; a smaller training_batch_size/);
  assert.equal(isGivenUp(3, short), true);
  const killed = describeDeath({ ...end, signal: 'SIGKILL' }, log);
  assert.match(killed.words, /^killed by signal 9; somebody did it/);
  assert.deepEqual(
    [9, 10].map((attempts) => isGivenUp(attempts, killed)),
    [false, true],
  );
  assert.equal(isGivenUp(3, describeDeath(null, log)), false, 'nobody saw it');
});
