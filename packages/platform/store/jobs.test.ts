import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { NameTaken, type Store } from './index.ts';

const names = ({ rows }: { rows: { name: string }[] }) => rows.map(({ name }) => name);

onBothDatabases('a job is found as it was added, with what it did not say', async ({ open }) => {
  const { jobs } = await open();
  const job = { ...newJob('amber_lynx'), task: 'image_classification', tags: { site: 'north' }, description: 'Ä – 🐝' };
  const added = await jobs.add(job);
  const { created_at, ...rest } = added;
  assert.match(created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, {
    ...job,
    sequence: 1,
    status: 'NotStarted',
    measured: null,
    compute: null,
    properties: {},
    archived: false,
    start_time: null,
    end_time: null,
    seconds_used: 0,
    primary_metric: null,
    best_trial: null,
    error: null,
    owner: null,
    beat: 0,
  });
  assert.deepEqual(await jobs.find('amber_lynx'), added);
  assert.equal(await jobs.find('other'), null);
});

onBothDatabases('a name is given once', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add(newJob('amber_lynx'));
  const taken = await jobs.add(newJob('amber_lynx')).catch((error) => error);
  assert.ok(taken instanceof NameTaken);
  assert.equal(taken.message, 'there is already a job named amber_lynx; choose another name');
  await jobs.add(newJob('Amber_lynx'));
});

onBothDatabases('a list has the newest first, by what is asked for', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add({ ...newJob('one'), tags: { site: 'north', 'a"b': '' } });
  await jobs.add({ ...newJob('two'), experiment_name: 'ants', tags: { site: 'south' } });
  await jobs.add({ ...newJob('three'), experiment_name: 'ants', type: 'script', status: 'Running' });
  await jobs.patch('two', { archived: true });

  assert.deepEqual(names(await jobs.list()), ['three', 'one']);
  assert.deepEqual(names(await jobs.list({ archived: 'all' })), ['three', 'two', 'one']);
  assert.deepEqual(names(await jobs.list({ archived: 'archived' })), ['two']);
  assert.deepEqual(names(await jobs.list({ archived: 'all', experiment: 'ants' })), ['three', 'two']);
  assert.deepEqual(names(await jobs.list({ type: 'script' })), ['three']);
  assert.deepEqual(names(await jobs.list({ status: ['Running', 'Failed'] })), ['three']);
  assert.deepEqual(names(await jobs.list({ status: [] })), []);
  assert.deepEqual(names(await jobs.list({ archived: 'all', tag: { key: 'site' } })), ['two', 'one']);
  assert.deepEqual(names(await jobs.list({ tag: { key: 'site', value: 'north' } })), ['one']);
  assert.deepEqual(names(await jobs.list({ tag: { key: 'a"b' } })), ['one']);
  assert.deepEqual(names(await jobs.list({ tag: { key: 'a"b', value: 'x' } })), []);
  const [row] = (await jobs.list()).rows;
  assert.ok(!('spec' in row) && !('setting' in row) && !('measured' in row));
});

onBothDatabases('pages show each job once, whatever is added or removed meanwhile', async ({ open }) => {
  const { jobs } = await open();
  for (const name of ['a', 'b', 'c', 'd', 'e']) await jobs.add({ ...newJob(name), status: 'Completed' });
  const first = await jobs.list({ most: 2 });
  assert.deepEqual(names(first), ['e', 'd']);
  await jobs.add(newJob('f'));
  await jobs.delete('d');
  await jobs.delete('c');
  const second = await jobs.list({ most: 2, after: first.next as string });
  assert.deepEqual(names(second), ['b', 'a']);
  assert.equal(second.next, null);
  await assert.rejects(jobs.list({ after: '1; drop table jobs' }), /is not a place in this list/);
  await assert.rejects(jobs.list({ most: 0 }), /whole number of 1 or more/);
});

onBothDatabases('a status changes only from where it may', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add(newJob('amber_lynx'));
  assert.equal(await jobs.transition('amber_lynx', { from: ['NotStarted', 'Queued'], to: 'Running' }), true);
  assert.equal(await jobs.transition('amber_lynx', { from: ['NotStarted', 'Queued'], to: 'Running' }), false);
  const end_time = '2026-01-02T03:04:05.678Z';
  const end = { from: ['Running'], to: 'Completed', set: { end_time, best_trial: 'amber_lynx_HD_0' } } as const;
  assert.equal(await jobs.transition('amber_lynx', end), true);
  const job = await jobs.find('amber_lynx');
  assert.equal(job?.status, 'Completed');
  assert.equal(job?.end_time, end_time);
  assert.equal(job?.best_trial, 'amber_lynx_HD_0');
  assert.equal(await jobs.transition('nothing', { from: ['NotStarted'], to: 'Running' }), false);
  assert.equal(await jobs.transition('amber_lynx', { from: [], to: 'Running' }), false);
});

onBothDatabases('what has not ended is listed in the order of its creation', async ({ open }) => {
  const { jobs } = await open();
  for (const status of ['Running', 'Completed', 'NotStarted', 'CancelRequested', 'Failed', 'Canceled'] as const) {
    await jobs.add({ ...newJob(status.toLowerCase()), status });
  }
  assert.deepEqual(names({ rows: await jobs.unfinished() }), ['running', 'notstarted', 'cancelrequested']);
});

onBothDatabases('fields are written singly, and by the owner where that is asked for', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add({ ...newJob('amber_lynx'), owner: 'me' });
  assert.equal(await jobs.patch('amber_lynx', { seconds_used: 12.5, measured: [{ model: 'seresnext' }] }), true);
  assert.equal(await jobs.patch('amber_lynx', { tags: { a: 'b' }, archived: true }, { owner: 'me' }), true);
  assert.equal(await jobs.patch('amber_lynx', { tags: {} }, { owner: 'you' }), false);
  assert.equal(await jobs.patch('amber_lynx', {}, { owner: 'you' }), false);
  assert.equal(await jobs.patch('amber_lynx', {}), true);
  assert.equal(await jobs.patch('other', { tags: {} }), false);
  const job = await jobs.find('amber_lynx');
  assert.deepEqual(
    { used: job?.seconds_used, measured: job?.measured, tags: job?.tags, archived: job?.archived },
    { used: 12.5, measured: [{ model: 'seresnext' }], tags: { a: 'b' }, archived: true },
  );
});

onBothDatabases('an ended job goes with all that belongs to it, one that runs stays', async ({ open }) => {
  const store = await open();
  const { jobs, trials, metrics } = store;
  await jobs.add({ ...newJob('amber_lynx'), status: 'Running' });
  await trials.add(newTrial('amber_lynx', 0));
  await metrics.record('amber_lynx_HD_0', [{ name: 'loss', step: 1, value: 1, time: '2026-01-01T00:00:00.000Z' }]);
  await holdSlot(store);
  assert.equal(await jobs.delete('amber_lynx'), false);
  await jobs.transition('amber_lynx', { from: ['Running'], to: 'Canceled' });
  assert.equal(await jobs.delete('amber_lynx'), true);
  assert.equal(await jobs.find('amber_lynx'), null);
  assert.equal(await trials.find('amber_lynx_HD_0'), null);
  assert.deepEqual(await metrics.ofTrial('amber_lynx_HD_0'), []);
  assert.deepEqual(await store.computes.held({ compute: 'local' }), []);
});

async function holdSlot({ computes }: Store): Promise<void> {
  await computes.put({ name: 'local', type: 'local', spec: {}, cpu: 1, gpu: 0 });
  assert.equal((await computes.claim('local', 'amber_lynx_HD_0', { cpu: 1 }))?.length, 1);
}

onBothDatabases('texts that a database cannot hold lose only those characters', async ({ open }) => {
  const { jobs } = await open();
  const text = 'a\0b\ud800c\\u0000d🐝';
  await jobs.add({
    ...newJob('amber_lynx'),
    display_name: text,
    tags: { [text]: text },
    spec: { text: [text, 'é"\\\n'] },
  });
  const kept = 'a\ufffdb\ufffdc\\u0000d🐝';
  const job = await jobs.find('amber_lynx');
  assert.equal(job?.display_name, kept);
  assert.deepEqual(job?.tags, { [kept]: kept });
  assert.deepEqual(job?.spec, { text: [kept, 'é"\\\n'] });
  assert.equal((await jobs.list({ tag: { key: kept, value: kept } })).rows.length, 1);
});
