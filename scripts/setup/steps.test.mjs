import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SetupError } from './command.mjs';
import { fakeMachine } from './fake-machine.mjs';
import { takeLock } from './lock.mjs';
import { createScreen } from './screen.mjs';
import { setUp } from './steps.mjs';

/** A step that is missing until it has run; `act` may fail it. */
function step(machine, name, after = [], act = async () => {}) {
  let done = false;
  return {
    name,
    after,
    log: join(machine.root, `${name}.log`),
    missing: () => (done ? null : `doing ${name}`),
    note: () => '',
    async run() {
      await act();
      done = true;
    },
  };
}

function screen() {
  const lines = [];
  const text = { write: (chunk) => lines.push(chunk) };
  return { ...createScreen(text, { width: 5 }), said: () => lines.join('') };
}

test('steps run after those that they need, and only what is missing runs again', async (t) => {
  const machine = fakeMachine(t);
  const lock = join(machine.root, 'lock');
  const order = [];
  const a = step(machine, 'a', [], async () => order.push('a'));
  const b = step(machine, 'b', [a], async () => order.push('b'));
  const first = screen();
  assert.equal(await setUp([a, b], { screen: first, lock, quiet: true }), 0);
  assert.deepEqual(order, ['a', 'b']);
  assert.match(first.said(), /✓ a .*\n.*✓ b .*\nSet up in/s);
  const second = screen();
  assert.equal(await setUp([a, b], { screen: second, lock, quiet: true }), 0);
  assert.equal(second.said(), '');
  assert.deepEqual(order, ['a', 'b']);
  assert.ok(!existsSync(lock));
});

test('a failure is told with its hint and log; what needs the step is not tried, the rest is', async (t) => {
  const machine = fakeMachine(t);
  const bad = step(machine, 'bad', [], async () => {
    throw new SetupError('it broke', { hint: 'mend it', log: '/tmp/x.log' });
  });
  const needy = step(machine, 'needy', [bad], () => assert.fail('must not run'));
  const other = step(machine, 'other');
  const shown = screen();
  assert.equal(await setUp([bad, needy, other], { screen: shown, lock: join(machine.root, 'lock'), quiet: true }), 1);
  assert.match(shown.said(), /it broke\nmend it\nThe whole output: \/tmp\/x\.log/);
  assert.match(shown.said(), /- needy .*not tried/);
  assert.equal(other.missing(), null);
});

test('waiting for a lock can be stopped', async (t) => {
  const path = join(fakeMachine(t).root, 'lock');
  writeFileSync(path, String(process.pid));
  let stopped = false;
  const taken = takeLock(
    path,
    () => {
      stopped = true;
    },
    () => stopped,
  );
  assert.equal(await taken, null);
  assert.ok(existsSync(path));
});

test('a lock is held by one at a time', async (t) => {
  const path = join(fakeMachine(t).root, 'lock');
  const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  t.after(() => other.kill());
  writeFileSync(path, String(other.pid));
  const waits = [];
  const taken = takeLock(path, (pid) => {
    waits.push(pid);
    other.kill();
  });
  const release = await taken; // the holder died: its lock is taken over
  assert.deepEqual(waits, [other.pid]);
  release();
  assert.ok(!existsSync(path));
});
