import assert from 'node:assert/strict';
import { once } from 'node:events';
import { onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { askStoreProcesses, startStoreProcesses } from '../fixtures/start-store-processes.ts';

const owners = Array.from({ length: 8 }, (_, i) => `process ${i}`);

onBothDatabases('of eight processes that claim a lease at once, one has it', async ({ open, address }) => {
  const { jobs } = await open();
  await jobs.add(newJob('lynx'));
  const claims = await askStoreProcesses(
    address,
    owners.map((owner) => ['claimJob', 'lynx', owner]),
  );
  assert.equal(claims.filter((won) => won === true).length, 1);
  const winner = owners[claims.indexOf(true)];
  const job = await jobs.find('lynx');
  assert.equal(job?.owner, winner);

  const seen = [winner, String(job?.beat)];
  const others = owners.filter((owner) => owner !== winner).slice(0, 4);
  const takings = await askStoreProcesses(
    address,
    others.map((owner) => ['takeOver', 'lynx', ...seen, owner]),
  );
  assert.equal(takings.filter((won) => won === true).length, 1);
  assert.equal((await jobs.find('lynx'))?.owner, others[takings.indexOf(true)]);
});

onBothDatabases('of processes that add the same trials at once, one adds each', async ({ open, address }) => {
  const { jobs, trials } = await open();
  await jobs.add(newJob('lynx'));
  const count = 25;
  const added = (await askStoreProcesses(
    address,
    owners.slice(0, 4).map((owner) => ['addTrials', 'lynx', String(count), owner]),
  )) as number[][];
  assert.deepEqual(
    added.flat().sort((a, b) => a - b),
    Array.from({ length: count }, (_, number) => number),
  );
  const rows = await trials.ofJob('lynx');
  for (const { number, chosen_because } of rows) assert.ok(added[owners.indexOf(chosen_because)].includes(number));
});

onBothDatabases('a GPU is never held by two', async ({ open, address }) => {
  const { jobs, trials, computes } = await open();
  await jobs.add(newJob('lynx'));
  await computes.put({ name: 'local', type: 'local', spec: {}, cpu: 0, gpu: 1 });
  for (let number = 0; number < 4; number++) await trials.add(newTrial('lynx', number));
  const times = 10;
  const held = await askStoreProcesses(
    address,
    [0, 1, 2, 3].map((number) => ['holdSlots', `lynx_HD_${number}`, String(times)]),
  );
  assert.deepEqual(held, [times, times, times, times]);
});

onBothDatabases('what a killed process said it had recorded is there, once', async ({ open, address }) => {
  const { jobs, trials, metrics } = await open();
  await jobs.add(newJob('lynx'));
  await trials.add({ ...newTrial('lynx', 0), owner: 'a' });
  for (const milliseconds of [40, 90, 170]) {
    const [writer] = await startStoreProcesses(address, [['recordForever', 'lynx_HD_0', 'a']]);
    let said = (await writer.next()) as number;
    setTimeout(() => writer.process.kill('SIGKILL'), milliseconds);
    try {
      for (;;) said = (await writer.next()) as number;
    } catch {
      if (writer.process.exitCode === null && writer.process.signalCode === null) await once(writer.process, 'exit');
    }
    assert.equal(writer.process.signalCode, 'SIGKILL');
    const points = await metrics.ofTrial('lynx_HD_0');
    assert.ok(points.length > said, `${said} was said, ${points.length} are there`);
    for (const [i, { step, value }] of points.entries()) assert.deepEqual([step, value], [i, i / 7]);
    // Batches are whole.
    assert.equal(points.length % 10, 0);
  }
});

onBothDatabases('a process that lost its trial ends by what it is told', async ({ open, address }) => {
  const { jobs, trials, metrics } = await open();
  await jobs.add(newJob('lynx'));
  await trials.add({ ...newTrial('lynx', 0), owner: 'a' });
  const [writer] = await startStoreProcesses(address, [['recordForever', 'lynx_HD_0', 'a']]);
  await writer.next();
  assert.equal(await trials.handOver('lynx_HD_0', 'a', 'b'), true);
  const { length } = await metrics.ofTrial('lynx_HD_0');
  let said: unknown;
  do said = await writer.next();
  while (typeof said === 'number');
  assert.equal(said, 'lost');
  assert.equal((await metrics.ofTrial('lynx_HD_0')).length, length);
});

onBothDatabases('four processes may open a new database at once', async ({ open, address }) => {
  const opened = await askStoreProcesses(address, [['open'], ['open'], ['open'], ['open']]);
  assert.deepEqual(opened, [0, 0, 0, 0]);
  await (await open()).jobs.add(newJob('lynx'));
});

onBothDatabases('versions that several processes add count up without a gap', async ({ open, address }) => {
  const { assets } = await open();
  const versions = (await askStoreProcesses(address, Array(4).fill(['addAssets', 'ants', '5']))).flat() as string[];
  assert.deepEqual(
    versions.map(Number).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.equal((await assets.list({ kind: 'model', name: 'ants' })).rows.length, 20);
});
