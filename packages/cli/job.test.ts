// Jobs that outlive the command: started, left, followed, ended, gone on with, looked at.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ended, says, stagedCommand } from './fixtures/staged-command.ts';

const { folder, run, start, remove } = stagedCommand();
after(remove);

test('job create in the words of az: the record at once, how to follow, the scope kept in it', async () => {
  const scope = ['--resource-group', 'rg', '--workspace-name', 'ws', '--subscription', 'sub'];
  const create = ['ml', 'job', 'create', '--file', 'job.yml', '--name', 'az1', '--save-as', 'saved.yml'];
  const { code, out, err } = await run([...create, ...scope], { milliseconds: 100 });
  assert.equal(code, 0);
  assert.equal(
    err,
    [
      '  warning one image is there twice',
      '  az1 is queued',
      '    follow   fovea job stream --name az1',
      '    end it   fovea job cancel --name az1',
      '',
    ].join('\n'),
  );
  const { name, status, properties } = JSON.parse(out);
  assert.deepEqual([name, status], ['az1', 'Queued']);
  assert.deepEqual(properties, { azure_subscription: 'sub', azure_resource_group: 'rg', azure_workspace: 'ws' });
  assert.match(readFileSync(join(folder, 'saved.yml'), 'utf8'), /^name: az1\n/);
  const silent = await run(['job', 'create', '-f', 'job.yml', '-n', 'az2', '--only-show-errors', '-o', 'none']);
  assert.deepEqual([silent.out, silent.err], ['', '']);
  const stream = await run(['job', 'stream', '-n', 'az1']);
  assert.deepEqual([stream.code, stream.out.split('\n').length], [0, 3], 'it goes on without the command');
});

test('show, list and stream tell of jobs that were', async () => {
  await Promise.all([
    run(['train', 'pictures', '-n', 'one', '--workspace', 'told']),
    run(['train', 'pictures', '-n', 'two', '--workspace', 'told']),
  ]);
  const told = (...args: string[]) => run(['job', ...args, '--workspace', 'told']);
  const [show, absent, list, some, trials, stream] = await Promise.all([
    told('show', '-n', 'one', '--query', '{Name: name, Jobstatus: status}'),
    told('show', '-n', 'three'),
    told('list', '-o', 'tsv', '--query', '[].name'),
    told('list', '-o', 'json', '-r', '1'),
    told('list', '--parent-job-name', 'one', '--query', '[].name', '-o', 'tsv'),
    told('stream', '--name', 'one'),
  ]);
  assert.deepEqual(JSON.parse(show.out), { Name: 'one', Jobstatus: 'Completed' });
  assert.equal(absent.code, 1);
  assert.match(absent.err, /there is no job called three in told\n +fovea job list --workspace told -o table shows/);
  assert.deepEqual(list.out.trim().split('\n').sort(), ['one', 'two']);
  assert.equal(JSON.parse(some.out).length, 1);
  assert.equal(trials.out, 'one_HD_0\n');
  assert.equal(stream.code, 0);
  assert.equal(
    stream.out,
    'INFO epoch 1 of a class named \\u001b[31mant\nINFO epoch 2 of a class named \\u001b[31mant\n',
  );
});

test('stream follows a job that goes on, and ends with it', async () => {
  const job = start(['train', 'pictures', '-n', 'followed'], { milliseconds: 100, epochs: 3 });
  const end = ended(job);
  await says(job, /epoch 1\/3/);
  const stream = await run(['job', 'stream', '-n', 'followed']);
  assert.equal(stream.code, 0, stream.err);
  assert.equal(stream.out.split('\n').length, 4);
  assert.equal((await end).code, 0);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} ends what train has begun, says how to go on, and resume does`, async () => {
    const name = `stopped_${signal}`;
    const job = start(['train', 'pictures', '-n', name, '-o', 'json'], { milliseconds: 20, epochs: 4 });
    const end = ended(job);
    await says(job, /epoch 1\/4/);
    job.kill(signal);
    const { code: stopped, out, err } = await end;
    assert.equal(stopped, code);
    assert.equal(JSON.parse(out).status, 'Canceled');
    assert.match(err, new RegExp(`ending ${name}, which keeps what it has learned; Ctrl-C again leaves at once\n`));
    assert.match(err, new RegExp(`${name} stopped\n +go on +fovea job resume --name ${name}\n$`));
    const resumed = await run(['job', 'resume', '--name', name, '-o', 'json'], { epochs: 4 });
    assert.equal(resumed.code, 0);
    const { status, trials } = JSON.parse(resumed.out);
    const epochs = trials[0].epochs.map(({ epoch }: { epoch: number }) => epoch);
    assert.deepEqual([status, epochs], ['Completed', [1, 2, 3, 4]]);
    assert.match((await run(['job', 'resume', '-n', name])).err, /is completed; there is nothing to go on with/);
  });
}

for (const [signal, code, args] of [
  ['SIGINT', 130, ['job', 'create', '-f', 'job.yml', '--stream', '-n', 'left_SIGINT']],
  ['SIGHUP', 129, ['train', 'pictures', '-n', 'left_SIGHUP']],
] as const) {
  test(`${signal} at ${args[0]} ends the watching, not the job`, async () => {
    const name = `left_${signal}`;
    const job = start(args, { milliseconds: 20, epochs: 4 });
    const end = ended(job);
    await says(job, /epoch 1\/4/);
    job.kill(signal);
    const { code: stopped, err } = await end;
    assert.equal(stopped, code);
    assert.match(err, new RegExp(`${name} goes on without being watched\n +follow +fovea job stream --name ${name}\n`));
    assert.match(err, new RegExp(`end it +fovea job cancel --name ${name}\n$`));
    assert.equal((await run(['job', 'stream', '-n', name])).code, 0);
  });
}

test('before there is a job, Ctrl-C leaves nothing, and a closed terminal keeps nothing from starting', async () => {
  const begin = (name: string) => start(['train', 'pictures', '-n', name], { reading: 1500 });
  const [early, closed] = [begin('early'), begin('closed')];
  const ends = Promise.all([ended(early), ended(closed)]);
  await Promise.all([says(early, /warning/), says(closed, /warning/)]);
  early.kill('SIGINT');
  closed.kill('SIGHUP');
  const [stopped, left] = await ends;
  assert.deepEqual([stopped.code, left.code], [130, 129]);
  assert.match(stopped.err, /stopped before training began; nothing is left of it\n$/);
  assert.equal((await run(['job', 'show', '-n', 'early'])).code, 1);
  assert.equal((await run(['job', 'stream', '-n', 'closed'])).code, 0);
});

test('a second Ctrl-C leaves at once; the same one handed on twice does not', async () => {
  const stuck = start(['train', 'pictures', '-n', 'stuck'], { milliseconds: 4000 });
  const end = ended(stuck);
  await says(stuck, /warning/);
  await new Promise((resolve) => setTimeout(resolve, 100));
  stuck.kill('SIGINT');
  stuck.kill('SIGINT');
  await says(stuck, /again leaves at once/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(stuck.exitCode, null);
  stuck.kill('SIGINT');
  assert.equal((await end).code, 130);
});

test('a job that failed ends stream with its reason and exit code 1', async () => {
  await run(['job', 'create', '-f', 'job.yml', '-n', 'failing'], { end: 'Failed' });
  const { code, out, err } = await run(['job', 'stream', '-n', 'failing']);
  assert.equal(code, 1);
  assert.match(out, /^INFO epoch 1/);
  assert.match(err, /failing failed: the loss became NaN at step 3\n +again +fovea job resume --name failing\n$/);
});

test('cancel ends a job that nobody watches', async () => {
  await run(['job', 'create', '-f', 'job.yml', '-n', 'canceled'], { milliseconds: 50, epochs: 100 });
  const first = await run(['job', 'cancel', '-n', 'canceled', '-o', 'json']);
  assert.deepEqual([first.code, first.err, JSON.parse(first.out).status], [0, '  canceled is canceled\n', 'Canceled']);
  const again = await run(['job', 'cancel', '-n', 'canceled']);
  assert.deepEqual([again.code, again.out, again.err], [0, '', '  canceled is canceled already\n']);
});

test('archive, restore, update and delete', async () => {
  await run(['train', 'pictures', '-n', 'kept', '--workspace', 'upkeep']);
  await run(['job', 'create', '-f', 'job.yml', '-n', 'busy', '--workspace', 'upkeep'], { milliseconds: 500 });
  const job = (...args: string[]) => run(['job', ...args, '--workspace', 'upkeep']);
  const names = async (...args: string[]) => (await job('list', '-o', 'tsv', '--query', '[].name', ...args)).out.trim();
  assert.match(
    (await job('archive', '-n', 'busy')).err,
    /has not ended[\s\S]*fovea job cancel --workspace upkeep --name busy/,
  );
  assert.equal((await job('archive', '-n', 'kept')).err, '  kept is archived\n');
  assert.deepEqual([await names(), await names('--archived-only')], ['busy', 'kept']);
  assert.equal((await names('--include-archived')).split('\n').length, 2);
  assert.equal((await job('restore', '-n', 'kept')).code, 0);

  const set = await job(
    'update',
    '-n',
    'kept',
    '--set',
    'tags.owner=me',
    'properties.n=3',
    '--add',
    'tags',
    'a=1',
    'b=2',
  );
  assert.deepEqual(JSON.parse(set.out).tags, { owner: 'me', a: '1', b: '2' });
  const removed = await job('update', '-n', 'kept', '--remove', 'tags.a', '--query', '[tags, properties]');
  assert.deepEqual(JSON.parse(removed.out), [{ owner: 'me', b: '2' }, { n: '3' }]);
  assert.match(
    (await job('update', '-n', 'kept', '--set', 'status=Failed')).err,
    /only tags and properties of a job change/,
  );
  assert.match((await job('update', '-n', 'kept', '--remove', 'tags.x')).err, /there is none\n +there are owner, b\n/);

  assert.match((await job('delete', '-n', 'kept')).err, /nobody to ask[\s\S]*say --yes/);
  assert.equal((await job('delete', '-n', 'kept', '--yes')).code, 0);
  assert.equal((await job('show', '-n', 'kept')).code, 1);
});

test('download: a folder named after the job', async () => {
  await run(['train', 'pictures', '-n', 'fetched']);
  const { code, out } = await run(['job', 'download', '-n', 'fetched', '-p', 'here']);
  assert.equal(code, 0);
  assert.match(out, /^ {2}here\/fetched {2}2 files, 0\.0 MB\n$/);
  const read = (path: string) => readFileSync(join(folder, 'here', 'fetched', path), 'utf8');
  assert.match(read('user_logs/std_log.txt'), /INFO epoch 1/);
  assert.equal(read('outputs/mlflow-model/MLmodel'), 'flavors: {}\n');
  const all = await run(['job', 'download', '-n', 'fetched', '-p', 'here', '--all', '--query', 'files']);
  assert.deepEqual(JSON.parse(all.out), [
    ...['outputs/mlflow-model/MLmodel', 'user_logs/std_log.txt', 'named-outputs/best_model/MLmodel'],
    ...['fetched_HD_0/outputs/mlflow-model/MLmodel', 'fetched_HD_0/user_logs/std_log.txt'],
  ]);
  const wrong = await run(['job', 'download', '-n', 'fetched', '--output-name', 'worst']);
  assert.match(wrong.err, /no output called worst\n +its outputs are best_model and default\n/);
});

test('several trials: each is told when it begins and ends, and a table compares them', async () => {
  const { code, out, err } = await run(['train', 'pictures', '-n', 'swept'], {
    trials: 3,
    epochs: 2,
    milliseconds: 20,
  });
  assert.equal(code, 0);
  assert.match(err, /trial 1\/3 {2}mobilenetv2 {2}learning_rate 0\.001 {2}drawn at random\n/);
  assert.match(err, /trial 3\/3 {2}epoch 2\/2 {2}accuracy 0\.720/);
  assert.match(err, /trial 2 stopped {2}accuracy 0\.810 \(epoch 1\) {2}accuracy 0\.81\d* is below the median\n/);
  assert.match(err, /trial 1 done {2}accuracy 0\.920 \(epoch 2\)\n/);
  assert.match(out, /^ {2}✓ accuracy 0\.920, the best of 3 trials \(mobilenetv2, epoch 2 of swept_HD_0\) · /);
  const table = out.slice(out.indexOf('accuracy  trial')).split('\n');
  assert.deepEqual(table, [
    'accuracy  trial  model        hyperparameters      epochs  ended',
    '       0.920      1  mobilenetv2  learning_rate 0.001       2',
    '       0.810      2  mobilenetv2  learning_rate 0.002       1  stopped accuracy 0.81 is below the median',
    '       0.720      3  mobilenetv2  learning_rate 0.003       2',
    '',
  ]);
  const trial = (...args: string[]) => run(['trial', ...args]);
  const [list, show, logs, absent, both] = await Promise.all([
    trial('list', '--job', 'swept', '-o', 'table'),
    trial('show', '-n', 'swept_HD_1', '--query', 'ended_because'),
    trial('logs', '-n', 'swept_HD_1'),
    trial('show', '-n', 'swept_HD_9'),
    run(['job', 'stream', '-n', 'swept']),
  ]);
  assert.match(list.out, /^Name +Status +Accuracy +Best epoch +Model +Hyperparameters +Device +Because\n/);
  assert.match(
    list.out,
    /swept_HD_1 +Completed +0\.81 +1 +mobilenetv2 +learning_rate 0\.002 +cpu +accuracy 0\.81 is below/,
  );
  assert.match(show.out, /below the median/);
  assert.equal(logs.out, 'INFO epoch 1 of a class named \\u001b[31mant\n');
  assert.match(absent.err, /no trial called swept_HD_9[\s\S]*fovea trial list --job swept -o table/);
  assert.match(both.out, /^==> swept_HD_0 <==\nINFO[\s\S]*\n\n==> swept_HD_1 <==\nINFO/);
});

test('list as a table: what one looks for', async () => {
  await run(['train', 'pictures', '-n', 'listed', '--workspace', 'tables']);
  const { out } = await run(['job', 'list', '--workspace', 'tables', '-o', 'table']);
  assert.match(out, /^Name +Status +Task +Metric +Value +Created +Took +Experiment\n/);
  assert.match(out, /listed +Completed +classification +accuracy +0\.92 +\d{4}-\d\d-\d\d \d\d:\d\d +\d\.\d s/);
});

test('FOVEA_HOME is the workspace, and a database that cannot be reached is said', async () => {
  const home = { FOVEA_HOME: 'home of mine' };
  const made = await run(['train', 'pictures', '-n', 'there'], {}, home);
  assert.match(made.out, /try +fovea predict there photo\.jpg/);
  assert.equal((await run(['job', 'show', '-n', 'there'], {}, home)).code, 0);
  assert.equal((await run(['job', 'show', '-n', 'there'])).code, 1);
  const { code, err } = await run(['job', 'list', '--database', 'postgres://me:secret@nowhere/db']);
  assert.equal(code, 1);
  assert.match(err, /database at nowhere cannot be reached/);
  assert.ok(!err.includes('secret'));
});
