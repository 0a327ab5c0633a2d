import assert from 'node:assert/strict';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { describeToken, type JobRow, processToken } from './index.ts';

onBothDatabases('a lease is claimed, kept and given up by one process', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add(newJob('lynx'));
  assert.equal(await jobs.claim('lynx', 'a'), true);
  assert.equal(await jobs.claim('lynx', 'b'), false);
  assert.equal(await jobs.claim('lynx', 'a'), false);
  assert.equal(await jobs.beat('lynx', 'a'), true);
  assert.equal(await jobs.beat('lynx', 'b'), false);
  assert.equal(await jobs.release('lynx', 'b'), false);
  assert.equal(await jobs.release('lynx', 'a'), true);
  assert.equal(await jobs.beat('lynx', 'a'), false);
  assert.equal(await jobs.claim('lynx', 'b'), true);
  assert.equal(await jobs.claim('none', 'b'), false);
});

onBothDatabases('a lease is taken over only as it was seen', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add({ ...newJob('lynx'), owner: 'a' });
  const seen = (await jobs.find('lynx')) as JobRow;
  await jobs.beat('lynx', 'a');
  assert.equal(await jobs.takeOver('lynx', seen, 'b'), false);
  const later = (await jobs.find('lynx')) as JobRow;
  assert.equal(await jobs.takeOver('lynx', later, 'b'), true);
  assert.equal(await jobs.takeOver('lynx', later, 'c'), false);
  assert.equal(await jobs.beat('lynx', 'a'), false);
  assert.equal((await jobs.find('lynx'))?.owner, 'b');
});

onBothDatabases('one that gives up and takes again is another, to those who saw it before', async ({ open }) => {
  const { jobs } = await open();
  await jobs.add({ ...newJob('lynx'), owner: 'a' });
  const seen = (await jobs.find('lynx')) as JobRow;
  await jobs.release('lynx', 'a');
  await jobs.claim('lynx', 'a');
  assert.equal(await jobs.takeOver('lynx', seen, 'b'), false);
});

onBothDatabases('one beat keeps all that a process holds', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  for (const [number, owner] of ['a', 'b', 'a'].entries()) await trials.add({ ...newTrial('lynx', number), owner });
  assert.deepEqual((await trials.beatAll('a')).sort(), ['lynx_HD_0', 'lynx_HD_2']);
  assert.deepEqual(
    (await trials.ofJob('lynx')).map(({ beat }) => beat),
    [1, 0, 1],
  );
  assert.deepEqual(await trials.beatAll('c'), []);
});

onBothDatabases('a lease is handed to another process without a moment in which nobody has it', async ({ open }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  await trials.add({ ...newTrial('lynx', 0), owner: 'orchestrator' });
  assert.equal(await trials.handOver('lynx_HD_0', 'orchestrator', 'trial process'), true);
  assert.equal(await trials.handOver('lynx_HD_0', 'orchestrator', 'another'), false);
  assert.equal(await trials.beat('lynx_HD_0', 'trial process'), true);
});

onBothDatabases('processes say that they are there until they or others remove them', async ({ open }) => {
  const { processes } = await open();
  const owner = processToken();
  await processes.add({ owner, kind: 'orchestrator', ...describeToken(owner) });
  await processes.add({ owner: 'other', kind: 'server', host: 'elsewhere', pid: 1 });
  assert.equal(await processes.beat(owner), true);
  const [found, ...more] = await processes.list('orchestrator');
  assert.equal(more.length, 0);
  assert.deepEqual([found.owner, found.pid, found.beat], [owner, process.pid, 1]);
  assert.equal((await processes.list()).length, 2);
  assert.equal(await processes.remove(owner), true);
  assert.equal(await processes.remove(owner), false);
  assert.equal(await processes.beat(owner), false);
});
