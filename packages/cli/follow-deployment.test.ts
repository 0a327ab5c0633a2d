import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceState, OnlineDeploymentRecord, OnlineEndpoints } from '@fovea/platform/endpoints';
import { CommandFailure } from './failure.ts';
import { stagedServices } from './fixtures/staged-services.ts';
import { followDeployment } from './follow-deployment.ts';

const instance = (number: number, more: Partial<InstanceState> = {}): InstanceState => ({
  ...{ number, generation: 2, state: 'starting', pid: 1, restarts: 0, problem: null },
  ...more,
});

const record = (more: Partial<OnlineDeploymentRecord>) =>
  ({
    ...{ name: 'blue', endpoint_name: 'pets', instance_count: 2, provisioning_state: 'Updating', error: null },
    ...{ instances: [instance(0), instance(1)], ...more },
  }) as OnlineDeploymentRecord;

/** Follows a deployment that is seen as these, one look after the other, and has come to its end with the last. */
async function follow(seen: readonly OnlineDeploymentRecord[], end: Partial<OnlineEndpoints> = {}) {
  let written = '';
  const channel = { isTerminal: false, columns: () => 80, paint: (_: unknown, text: string) => text };
  const err = { ...channel, write: (text: string) => (written += text) };
  const terminal = { out: err, err, flush: async () => {} };
  const context = { terminal, services: stagedServices, exitCode: 0 };
  let looks = 0;
  const all = Promise.withResolvers<OnlineDeploymentRecord>();
  const endpoints = {
    async findDeployment() {
      const found = seen[Math.min(looks++, seen.length - 1)];
      if (looks > seen.length) all.resolve(found);
      return found;
    },
    settled: () => all.promise,
    logs: async () => '',
    ...end,
  } as Partial<OnlineEndpoints> as OnlineEndpoints;
  const outcome = await followDeployment(context, { workspace: '.fovea' }, endpoints, record({})).catch((e) => e);
  return { outcome, err: written, exitCode: context.exitCode };
}

test('what is wrong with an instance is said once, of the newest ones', async () => {
  const old = instance(0, { generation: 1, state: 'ready', problem: 'an old story' });
  const wrong = instance(1, { problem: 'it ended with code 1', restarts: 1 });
  const { outcome, err } = await follow([
    record({ instances: [old, instance(0), instance(1)] }),
    record({ instances: [old, instance(0), wrong] }),
    record({ instances: [old, instance(0, { state: 'ready' }), wrong] }),
    record({ provisioning_state: 'Succeeded', instances: [instance(0), instance(1)] }),
  ]);
  assert.equal(outcome.provisioning_state, 'Succeeded');
  assert.match(
    err,
    /^ {2}instance 1: it ended with code 1 \(started again 1 time\)\n {2}✓ blue of pets is ready: 2 instances, .*\n$/,
  );
});

test('a deployment that fails shows the end of its log, and why', async () => {
  const { outcome, err } = await follow([record({ provisioning_state: 'Failed', error: 'it ended\u001b[31m' })], {
    logs: async () => 'one\ntwo\u001b[2J\n',
  });
  assert.ok(outcome instanceof CommandFailure);
  assert.match(outcome.message, /^blue of pets failed: it ended\\u001b\[31m$/);
  assert.match(outcome.hint ?? '', /get-logs --endpoint-name pets --name blue/);
  assert.equal(err, 'one\ntwo\\u001b[2J\n');
});

test('Ctrl-C ends the waiting, and not the deployment', async () => {
  const { outcome, err, exitCode } = await follow([record({})], {
    settled: (_endpoint, _name, signal) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        process.emit('SIGINT', 'SIGINT');
      }),
  });
  assert.deepEqual([outcome, exitCode], [null, 130]);
  assert.match(
    err,
    /blue goes on without being waited for; fovea online-deployment show --endpoint-name pets --name blue/,
  );
});
