import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemLogPath } from '@fovea/automl/runs';
import { createRng } from '@fovea/data';
import { onBothDatabases } from './fixtures/both-databases.ts';
import { drawnWorkspace, kill } from './fixtures/drawn-workspace.ts';
import type { JobRecord } from './records.ts';

const KILLS = 20;
const SEED = 7;

const sweep = (name: string, trials: number) => ({
  parameters: 'number_of_epochs: 5, early_stopping: false, optimizer: adamw',
  more: `name: ${name}
limits: {max_trials: ${trials}, max_concurrent_trials: 2}
sweep: {sampling_algorithm: random}
search_space: [{learning_rate: {type: uniform, min_value: 0.0005, max_value: 0.003}}]
`,
});

/** What must be the same, however often a process was killed. */
const outcome = ({ best_trial, best_epoch, trials }: JobRecord) =>
  JSON.parse(
    JSON.stringify({
      best: best_trial?.replace(/^.*_HD_/, ''),
      best_epoch,
      trials: trials.map(({ number, status, draw, best_epoch, epochs, properties }) => ({
        ...{ number, status, draw, best_epoch, epochs, precision: properties.precision },
      })),
    }),
    (key, value) => (/images_per_second|data_wait|precision/.test(key) ? undefined : value),
  );

onBothDatabases(
  'a sweep whose processes are killed at twenty moments ends as one that was left alone',
  async ({ address }, t) => {
    const { workspace, store, submit, processes, home } = await drawnWorkspace(t, { database: address.database });
    const random = createRng(SEED);
    const watch = (name: string) => workspace.watch(name, { onEvent: () => {} });
    // The arithmetic is measured once for a machine, and the same for all trials after that.
    await submit({ ...sweep('first', 1) });
    assert.equal((await watch('first')).status, 'Completed');

    await submit(sweep('left_alone', 6));
    const calm = await watch('left_alone');
    assert.equal(calm.status, 'Completed', String(calm.error));

    await submit(sweep('killed', 6));
    const ending = watch('killed');
    const killed = { orchestrator: 0, trial: 0, measuring: 0, keeper: 0 };
    let done = 0;
    while (done < KILLS) {
      await wait(300 + 1500 * random.uniform());
      const targets = [['trial'], ['orchestrator'], ['trial', 'orchestrator']][random.int(3)];
      const found = targets.flatMap((kind) => {
        const alive = processes().filter((one) => one.kind === kind);
        return alive.length > 0 ? [alive[random.int(alive.length)]] : [];
      });
      for (const { kind, pid } of found) {
        kill(pid);
        killed[kind]++;
      }
      if (found.length > 0) done++;
      if ((await store.jobs.find('killed'))?.status === 'Completed') break;
    }
    const record = await ending;
    assert.equal(done, KILLS, 'the job was not over before');
    t.diagnostic(`killed ${killed.trial} trials and ${killed.orchestrator} orchestrators`);
    assert.equal(record.status, 'Completed', String(record.error));
    assert.deepEqual(outcome(record), outcome(calm));

    for (const { name, end_time } of record.trials) {
      const log = readFileSync(systemLogPath(workspace.trialFolder(name)), 'utf8');
      const begun = Array.from(log.matchAll(/^(\S+) begin:/gm), ([, time]) => time);
      assert.ok(
        begun.every((time) => time < (end_time as string)),
        `${name} was not run again after its end`,
      );
    }
    assert.deepEqual(filesOf(home, 'killed'), filesOf(home, 'left_alone'), 'the same files, and none half-written');
    if (!address.database) {
      const left = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) =>
        /\.(tmp|old|lock)$/.test(path),
      );
      assert.deepEqual(left, [], 'nothing half-written is left anywhere');
    }
    for (const path of globSync(join(workspace.jobFolder('killed'), '*', 'metrics.jsonl'))) {
      assert.equal(readFileSync(path, 'utf8').trim().split('\n').length, 5, path);
    }
  },
);

const filesOf = (home: string, job: string) =>
  readdirSync(join(home, 'jobs', job), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll(`${job}_HD`, 'trial'))
    // Only a job that lost a process has something to say as a whole.
    .filter((path) => path !== 'events.jsonl')
    .sort();
