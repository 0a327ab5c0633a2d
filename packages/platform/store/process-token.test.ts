import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { describeToken, isGone, processToken } from './process-token.ts';

const module = new URL('process-token.ts', import.meta.url).href;
const child = () =>
  spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `const { processToken } = await import('${module}'); console.log(processToken()); setInterval(() => {}, 1000);`,
  ]);

test('a process is there until it is killed, even while nobody has noticed its end', async () => {
  const other = child();
  const [line] = await once(other.stdout, 'data');
  const token = String(line).trim();
  assert.equal(describeToken(token).pid, other.pid);
  assert.equal(isGone(token), false);
  other.kill('SIGKILL');
  // This process is its parent, and does not come to noticing its end while it waits here: it is a zombie for so long.
  const begun = performance.now();
  while (!isGone(token)) assert.ok(performance.now() - begun < 5000);
  await once(other, 'exit');
  assert.equal(isGone(token), true);
});

test('each token is another, of the same process', () => {
  const [one, two] = [processToken(), processToken()];
  assert.notEqual(one, two);
  assert.deepEqual(describeToken(one), describeToken(two));
  assert.equal(isGone(one), false);
});

test('a number that went to another process is not taken for the one that had it', () => {
  const [place, pid, start, random] = processToken().split(':');
  assert.equal(isGone([place, pid, String(Number(start) - 1), random].join(':')), true);
});

test('of processes elsewhere, or before the machine was started, nothing is claimed', () => {
  const [, ...rest] = processToken().split(':');
  assert.equal(isGone(['elsewhere/1234.5', ...rest].join(':')), false);
  assert.equal(isGone(['elsewhere/1234.5', '999999999', '1', 'x'].join(':')), false);
});
