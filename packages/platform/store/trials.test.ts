import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { NameTaken } from './index.ts';

const names = ({ rows }: { rows: { name: string }[] }) => rows.map(({ name }) => name);

onBothDatabases('a trial is found as it was added, with what it did not say', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  const trial = { ...newTrial('lynx', 3), status: 'Queued', owner: 'me', attempts: 1, device: 'cuda:1' } as const;
  assert.equal(await trials.add(trial), true);
  const found = await trials.find('lynx_HD_3');
  assert.ok(found);
  const { created_at, ...rest } = found;
  assert.match(created_at, /^\d{4}-/);
  assert.deepEqual(rest, {
    ...trial,
    ended_because: null,
    model_name: null,
    hyperparameters: {},
    best_epoch: null,
    metrics: {},
    properties: {},
    error: null,
    start_time: null,
    end_time: null,
    beat: 0,
  });
});

onBothDatabases('a job has each number once, and no two trials a name', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  await jobs.add(newJob('otter'));
  assert.equal(await trials.add(newTrial('lynx', 0)), true);
  assert.equal(await trials.add(newTrial('lynx', 0)), false);
  assert.equal(await trials.add({ ...newTrial('lynx', 0), name: 'another' }), false);
  assert.equal(await trials.add(newTrial('otter', 0)), true);
  const taken = await trials.add({ ...newTrial('otter', 1), name: 'lynx_HD_0' }).catch((error) => error);
  assert.ok(taken instanceof NameTaken);
  assert.match(taken.message, /already a trial named lynx_HD_0/);
  await assert.rejects(trials.add(newTrial('nothing', 0)), /there is no job nothing/);
});

onBothDatabases('an orchestrator that lost a job adds no trial to it', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add({ ...newJob('lynx'), owner: 'me' });
  assert.equal(await trials.add(newTrial('lynx', 0), { jobOwner: 'you' }), false);
  assert.equal(await trials.find('lynx_HD_0'), null);
  assert.equal(await trials.add(newTrial('lynx', 0), { jobOwner: 'me' }), true);
});

onBothDatabases('trials are listed by number, those of the newest job first', async ({ open }) => {
  const { jobs, trials } = await open();
  for (const job of ['old', 'new']) {
    await jobs.add(newJob(job));
    for (const number of [2, 0, 1, 10]) await trials.add(newTrial(job, number));
  }
  const all = ['new_HD_0', 'new_HD_1', 'new_HD_2', 'new_HD_10', 'old_HD_0', 'old_HD_1', 'old_HD_2', 'old_HD_10'];
  assert.deepEqual(names(await trials.list()), all);
  assert.deepEqual(names({ rows: await trials.ofJob('old') }), all.slice(4));
  assert.deepEqual(names(await trials.list({ job: 'old', most: 2 })), ['old_HD_0', 'old_HD_1']);

  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof trials.list>> = await trials.list({ most: 3, ...(after ? { after } : {}) });
    seen.push(...names(page));
    after = page.next;
  } while (after !== null);
  assert.deepEqual(seen, all);

  await trials.transition('old_HD_1', { from: ['NotStarted'], to: 'Running' });
  assert.deepEqual(names(await trials.list({ status: ['Running'] })), ['old_HD_1']);
  assert.deepEqual(names({ rows: await trials.findAll(['new_HD_1', 'none', 'old_HD_2']) }).sort(), [
    'new_HD_1',
    'old_HD_2',
  ]);
  assert.deepEqual(await trials.findAll([]), []);
  await assert.rejects(trials.list({ after: '5' }), /is not a place in this list/);
});

onBothDatabases('metrics of a trial may be no numbers', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  await trials.add(newTrial('lynx', 0));
  const metrics = {
    loss: Number.NaN,
    best: Number.POSITIVE_INFINITY,
    worst: Number.NEGATIVE_INFINITY,
    accuracy: 0.1 + 0.2,
  };
  assert.equal(await trials.patch('lynx_HD_0', { metrics, best_epoch: 3 }), true);
  assert.deepEqual((await trials.find('lynx_HD_0'))?.metrics, metrics);
});

onBothDatabases('one that lost its trial can neither write to it nor end it', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  await trials.add({ ...newTrial('lynx', 0), status: 'Running', owner: 'new' });
  assert.equal(await trials.patch('lynx_HD_0', { best_epoch: 1 }, { owner: 'old' }), false);
  assert.equal(await trials.patch('lynx_HD_0', {}, { owner: 'old' }), false);
  const end = { from: ['Running'], to: 'Completed', set: { best_epoch: 1 }, release: true } as const;
  assert.equal(await trials.transition('lynx_HD_0', { ...end, owner: 'old' }), false);
  assert.equal((await trials.find('lynx_HD_0'))?.best_epoch, null);
  assert.equal(await trials.transition('lynx_HD_0', { ...end, owner: 'new' }), true);
  const ended = await trials.find('lynx_HD_0');
  assert.deepEqual([ended?.status, ended?.best_epoch, ended?.owner], ['Completed', 1, null]);
});
