// The command as people and scripts meet it: a process with arguments, two streams, an exit code and signals.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';

const fovea = join(import.meta.dirname, 'fixtures', 'staged-fovea.ts');
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-cli-'));
  mkdirSync(join(folder, 'pictures'));
  writeFileSync(join(folder, 'photo.jpg'), '');
  writeFileSync(join(folder, 'job.yml'), 'type: automl\ntask: image_classification\ntraining_data:\n  path: data\n');
  writeFileSync(join(folder, 'wrong.yml'), 'type: automl\ntask: image_classification\nmax_trails: 4\n');
});
after(() => rmSync(folder, { recursive: true }));

type Stage = Record<string, number | string>;

function start(args: readonly string[], stage: Stage = {}, env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [fovea, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', FOVEA_STAGE: JSON.stringify(stage), ...env },
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (data) => {
    out += data;
  });
  child.stderr?.on('data', (data) => {
    err += data;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

const run = (args: readonly string[], stage?: Stage, env?: NodeJS.ProcessEnv) => ended(start(args, stage, env));

/** Resolves when what the process says has a match. */
async function says(child: ChildProcess, pattern: RegExp): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (data) => {
      said += data;
      if (pattern.test(said)) resolve();
    });
    child.once('close', () => reject(new Error(`it ended and said only: ${said}`)));
  });
}

test('fovea alone shows what one types first', async () => {
  const { code, out, err } = await run([]);
  assert.equal(code, 0);
  assert.match(out, /fovea train pictures\//);
  assert.equal(err, '');
});

test('help and version go to stdout', async () => {
  const [help, version] = await Promise.all([run(['job', 'create', '--help']), run(['--version'])]);
  assert.equal(help.code, 0);
  assert.match(help.out, /--file <job.yml>.*\n[\s\S]*Examples:/);
  assert.match(version.out, /^fovea \d+\.\d+\.\d+\n$/);
  assert.equal(help.err + version.err, '');
});

test('a wrong word gets the nearest right one, and exit code 2', async () => {
  const cases = [
    [['tran', 'x'], /unknown command 'tran'\n.*Did you mean train\?/],
    [['job', 'craete'], /Did you mean create\?/],
    [['job', 'create', '--fiel', 'job.yml'], /unknown option '--fiel'\n.*Did you mean --file\?/],
    [['job', 'create'], /fovea job create needs -f, --file <job.yml>/],
    [['job', 'list', '-o', 'jsn'], /Allowed choices are json, /],
    [['train', 'pictures', '--epochs', '0'], /must be a whole number above 0/],
    [['train', 'pictures', '--set', 'learning_rate'], /must read key=value/],
    [['train'], /missing required argument 'data'/],
    [['job'], /create +start the job of a job file/],
    [['job', 'list', '--archived-only', '--include-archived'], /--archived-only at once/],
    [['job', 'list', '--database', 'mysql://here'], /is no address of a PostgreSQL database/],
  ] as const;
  const results = await Promise.all(cases.map(([args]) => run(args)));
  for (const [index, [args, pattern]] of cases.entries()) {
    const { code, out, err } = results[index];
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, pattern);
  }
});

test('what az has and this release has not is said to be so', async () => {
  const [services, endpoint, web] = await Promise.all([
    run(['ml', 'job', 'show-services', '--name', 'x']),
    run(['ml', 'online-endpoint', 'create', '--name', 'e']),
    run(['job', 'create', '-f', 'job.yml', '--web']),
  ]);
  for (const { code, err } of [services, endpoint, web]) {
    assert.equal(code, 2);
    assert.match(err, /is not in this release/);
  }
});

test('train: the record to stdout alone, everything else to stderr as plain lines', async () => {
  const { code, out, err } = await run(['train', 'pictures', '--name', 'plain', '-o', 'json'], { epochs: 3 });
  assert.equal(code, 0);
  const record = JSON.parse(out);
  assert.deepEqual(
    { name: record.name, status: record.status, metrics: record.metrics, best_epoch: record.best_epoch },
    { name: 'plain', status: 'Completed', metrics: { accuracy: 0.93, train_loss: 0.2 }, best_epoch: 3 },
  );
  assert.match(record.model, /mlflow-model$/);
  assert.ok(!err.includes('\x1b'), 'no control sequences, neither ours nor those of a class name');
  assert.match(err, /pictures\/ 12 images · 2 classes \(ant\\u001b\[31m 6, bee 6\)\n/);
  assert.equal(err.match(/^ {2}epoch \d\/3 {2}accuracy 0\.9\d0 .*best so far$/gm)?.length, 3);
  assert.match(err, /✓ accuracy 0\.930 after 3 epochs \(stopped: no better in 5\)/);
});

test('train without -o: the summary is the result', async () => {
  const { out, err } = await run(['train', 'pictures', '--name', 'human', '--workspace', 'work space']);
  const lines = out.split('\n');
  assert.match(lines[0], /^ {2}✓ accuracy 0\.920 after 2 epochs .* · \d\.\d s$/);
  assert.match(lines[1], /^ {4}model {4}work space\/jobs\/human\/human_HD_0\/outputs\/mlflow-model .*at most 2\.1e-6$/);
  assert.equal(lines[2], "    try      fovea predict --workspace 'work space' human photo.jpg");
  assert.ok(!err.includes('✓'));
});

test('train: what was typed becomes the job, and is checked as a job file is', async () => {
  const args = [
    '--model',
    'resnet18',
    '--epochs',
    '7',
    '--batch-size',
    '16',
    '--set',
    'learning_rate=0.005',
    '--set',
    'limits.max_trials=1',
  ];
  const good = await run([
    'train',
    'pictures',
    '--name',
    'typed',
    ...args,
    '-o',
    'json',
    '--query',
    'trials[0].hyperparameters',
  ]);
  assert.deepEqual(JSON.parse(good.out), {
    ...{ model_name: 'resnet18', number_of_epochs: 7, training_batch_size: 16, learning_rate: 0.005 },
    early_stopping_patience: 5,
  });
  const several = await run([
    'train',
    'pictures',
    '-n',
    'auto',
    '--trials',
    '5',
    '--query',
    'trials[0].hyperparameters',
  ]);
  assert.equal(JSON.parse(several.out).model_name, undefined, 'the search chooses models');
  const bad = await run(['train', 'pictures', '--set', 'learning_rate=5']);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^--set learning_rate=5 has 1 problem\n\n {2}must be from 0 to 1\nNothing was started\.\n$/);
});

test('a folder that is none is told with what would be right', async () => {
  const [absent, file] = await Promise.all([run(['train', 'nowhere']), run(['train', 'job.yml'])]);
  assert.deepEqual([absent.code, file.code], [1, 1]);
  assert.match(absent.err, /nowhere is not there/);
  assert.match(file.err, /fovea job create --file job\.yml --stream/);
});

test('train: labels in a file beside the pictures, and the task that they make', async () => {
  const labels = ['sea', 'sea sky', 'sky'].map((words, i) => `${i}.jpg,${words}\n`).join('');
  mkdirSync(join(folder, 'scenes', 'images'), { recursive: true });
  writeFileSync(join(folder, 'scenes', 'labels.csv'), `file,labels\n${labels}`);
  const train = (...args: string[]) => run(['train', 'scenes', ...args, '-o', 'none']);
  const [found, said, quiet, wrong] = await Promise.all([
    train('-n', 'found'),
    train('-n', 'said', '--task', 'image_classification'),
    train('-n', 'quiet', '--only-show-errors'),
    train('--task', 'classification'),
  ]);
  assert.match(
    found.err,
    /^ {2}scenes\/labels\.csv: images from the column "file", labels from "labels"\n {2}"sea sky" is taken for several labels: task image_classification_multilabel\n/,
  );
  assert.match(said.err, /^ {2}scenes\/labels\.csv: images from the column "file", classes from "labels"\n {2}reading/);
  assert.equal(quiet.err, '');
  assert.match(wrong.err, /Allowed choices are image_classification, image_classification_multilabel/);
});

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

test('what the scope of Azure means here is said when asked', async () => {
  const { err } = await run(['job', 'list', '-w', 'ws', '--verbose']);
  assert.equal(err, '  note: the Azure scope chooses nothing here: the workspace is the folder .fovea\n');
});

test('job create --stream shows the run', async () => {
  const { err } = await run(['job', 'create', '-f', 'job.yml', '-n', 'shown', '--stream', '-o', 'none']);
  assert.match(err, /epoch 2\/2 {2}accuracy 0\.920[\s\S]*✓ accuracy 0\.920/);
});

test('a wrong job file: every problem with its place, nothing started, exit code 1', async () => {
  const results = await Promise.all([
    run(['job', 'create', '-f', 'wrong.yml']),
    run(['job', 'validate', '-f', 'wrong.yml']),
  ]);
  for (const { code, out, err } of results) {
    assert.deepEqual([code, out], [1, '']);
    assert.match(
      err,
      /wrong\.yml has 1 problem\n\n {2}3 │ max_trails: 4\n {4}│ \^{10} unknown key; did you mean max_trials\?\n/,
    );
  }
  assert.match(results[0].err, /Nothing was started\.\n$/);
  assert.ok(!results[1].err.includes('Nothing was started'), 'nothing was to be started');
  assert.match((await run(['job', 'create', '-f', 'nowhere.yml'])).err, /nowhere\.yml is not there/);
});

test('wrong data is reported before anything is trained', async () => {
  const { code, out, err } = await run(['train', 'pictures', '--name', 'data', '-o', 'json'], { end: 'data' });
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /line 17 {2}images\/cat\.jpg is not there\nNothing was started\.\n$/);
});

test('a run that failed: its record on stdout, the reason on stderr, exit code 1', async () => {
  const { code, out, err } = await run(['train', 'pictures', '--name', 'lost', '-o', 'json'], { end: 'Failed' });
  assert.equal(code, 1);
  assert.equal(JSON.parse(out).status, 'Failed');
  assert.match(err, /lost failed: the loss became NaN at step 3\n +again +fovea job resume --name lost\n$/);
});

test('a fault of our own is one line, and its stack is for --debug', async () => {
  const [plain, debug] = await Promise.all([
    run(['train', 'pictures', '-n', 'fault'], { end: 'fault' }),
    run(['train', 'pictures', '-n', 'fault2', '--debug'], { end: 'fault' }),
  ]);
  assert.deepEqual([plain.code, debug.code], [1, 1]);
  assert.match(plain.err, /error .*not a function\n +this is a fault of fovea; --debug shows where it happened\n$/);
  assert.match(debug.err, /not a function\n +at .*staged-workspace\.ts/);
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

test('a reader of stdout who goes away is no error', () => {
  const script = `"$0" "$1" job list -o json | head -c 1; printf ' %s' "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, fovea], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(stdout, '[ 0');
  assert.equal(stderr, '');
});

test('predict: text, JSON and table; an image that is not there does not keep the others', async () => {
  await run(['train', 'pictures', '-n', 'sees']);
  const [text, asJson, top, table, none] = await Promise.all([
    run(['predict', 'sees', 'photo.jpg']),
    run(['predict', 'sees', 'nowhere.jpg', 'photo.jpg', '-o', 'json']),
    run(['predict', 'sees', '*.jpg', '--top', '1', '-o', 'json']),
    run(['predict', 'sees', '.', 'nowhere.jpg', '-o', 'table']),
    run(['predict', 'sees_not', 'photo.jpg']),
  ]);
  assert.equal(text.code, 0);
  assert.match(text.out, /^photo\.jpg\n {2}ant\\u001b\[31m +93\.1 % .*\n {2}bee +6\.9 % /);
  assert.equal(asJson.code, 1);
  assert.deepEqual(JSON.parse(asJson.out), [
    { file: 'nowhere.jpg', error: 'there is no such file' },
    { file: 'photo.jpg', probs: [0.931, 0.069], labels: ['ant\x1b[31m', 'bee'] },
  ]);
  assert.match(asJson.err, /error nowhere\.jpg: there is no such file\n1 image of 2 could not be read\n/);
  assert.deepEqual(JSON.parse(top.out), [{ file: 'photo.jpg', probs: [0.931], labels: ['ant\x1b[31m'] }]);
  assert.match(table.out, /^File +Label +Probability +Error\n(?:-+ *){4}\nphoto\.jpg +ant\\u001b\[31m +0\.931\n/);
  assert.equal(none.code, 1);
  assert.match(none.err, /there is no job called sees_not/);
});

test('evaluate: text, JSON and table, of the part that is asked for', async () => {
  await run(['train', 'pictures', '-n', 'judged']);
  for (const [part, label, images] of [
    ['train', 'bee', 3],
    ['train', 'ant\x1b[31m', 1],
    ['test', 'ant\x1b[31m', 3],
    ['test', 'bee', 1],
  ] as const) {
    mkdirSync(join(folder, 'labelled', part, label), { recursive: true });
    for (let i = 0; i < images; i++) writeFileSync(join(folder, 'labelled', part, label, `${i}.png`), '');
  }
  const judge = (...args: string[]) => run(['evaluate', 'judged', ...args]);
  const [text, asJson, table, train, none, whole, unknown] = await Promise.all([
    judge('labelled'),
    judge('labelled', '--split', 'test', '-o', 'json'),
    judge('labelled/test', '-o', 'table', '--query', 'metrics.{accuracy: accuracy}'),
    judge('labelled', '--split', 'train', '--query', 'metrics.accuracy'),
    judge('labelled', '--split', 'val'),
    judge('labelled/test', '--split', 'test'),
    judge('scenes', '--split', 'test'),
  ]);
  assert.deepEqual([text.code, text.err], [0, '']);
  assert.match(
    text.out,
    /^ {2}accuracy 0\.750 on 4 images \(test\)\n\n {4}.*precision.*\n {4}ant\\u001b\[31m +3 +0\.750 +1\.000/,
  );
  const result = JSON.parse(asJson.out);
  assert.deepEqual([result.images, result.split, result.metrics.accuracy], [4, 'test', 0.75]);
  assert.deepEqual(result.confusion_matrix.matrix, [
    [3, 0],
    [1, 0],
  ]);
  assert.match(table.out, /^Accuracy\n-+\n +0\.75\n$/);
  assert.equal(train.out, '0.25\n');
  assert.match(none.err, /there is no validation\/; the folders are test\/ and train\/\n/);
  assert.match(whole.err, /is not split[\s\S]*without --split all of it is judged\n$/);
  assert.deepEqual([none.code, whole.code, unknown.code], [1, 1, 1]);
});

test('evaluate: classes that the model does not know are wrong data', async () => {
  await run(['train', 'pictures', '-n', 'strict']);
  mkdirSync(join(folder, 'strange', 'wasp'), { recursive: true });
  writeFileSync(join(folder, 'strange', 'wasp', '1.png'), '');
  const { code, out, err } = await run(['evaluate', 'strict', 'strange']);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /the class "wasp" is not in the training data; its classes are ant\\u001b\[31m, bee\n/);
});

/** The command on a terminal of its own, which is typed into when it says something. */
async function onTerminal(
  args: string,
  stage: Stage,
  typed: string,
  when: RegExp,
): Promise<{ code: number | null; shown: string }> {
  const command = `stty columns 90 rows 24; '${process.execPath}' '${fovea}' ${args}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    // In what it takes for CI, Node expects no colours.
    env: {
      ...process.env,
      TERM: 'xterm-256color',
      NO_COLOR: undefined,
      CI: undefined,
      FOVEA_STAGE: JSON.stringify(stage),
    },
  });
  let shown = '';
  let hasTyped = typed === '';
  child.stdout.on('data', (data) => {
    shown += data;
    if (hasTyped || !when.test(shown)) return;
    hasTyped = true;
    child.stdin.write(typed);
  });
  const [code] = await once(child, 'close');
  return { code, shown };
}

const noTerminal = spawnSync('script', ['--version']).error
  ? 'no script command here to make a pseudo-terminal with'
  : false;

test('on a terminal the line is redrawn in place and the cursor comes back', { skip: noTerminal }, async () => {
  const { code, shown } = await onTerminal('train pictures -n live', { milliseconds: 10, steps: 60 }, '', /never/);
  assert.equal(code, 0);
  assert.ok(shown.includes('\x1b[?25l') && shown.lastIndexOf('\x1b[?25h') > shown.lastIndexOf('\x1b[?25l'));
  assert.ok(shown.includes('\x1b[36m━'), 'in colour');
  const lines = shown.split(/[\r\n]+/).map(stripVTControlCharacters);
  const drawn = lines.filter((line) => /epoch [12]\/2 +━+ +\d+ % .*left/.test(line));
  assert.ok(drawn.length >= 3 && drawn.length <= 120, `drawn ${drawn.length} times for 120 steps`);
  assert.ok(drawn.every((line) => line.length < 90));
  assert.match(lines.at(-2) ?? '', /try +fovea predict live photo\.jpg/);
});

test('Ctrl-C on a terminal: at train it ends the job, at stream the showing', { skip: noTerminal }, async () => {
  const long = { milliseconds: 20, steps: 1000 };
  const cut = await onTerminal('train pictures -n cut', long, '\x03', /epoch 1/);
  assert.equal(cut.code, 130);
  assert.ok(cut.shown.lastIndexOf('\x1b[?25h') > cut.shown.lastIndexOf('\x1b[?25l'));
  assert.match(cut.shown, /fovea job resume --name cut/);

  await run(['job', 'create', '-f', 'job.yml', '-n', 'shown_only'], long);
  const seen = await onTerminal('job stream -n shown_only', {}, '\x03', /epoch 1/);
  assert.equal(seen.code, 130);
  assert.match(seen.shown, /shown_only goes on without being watched/);
  assert.equal((await run(['job', 'show', '-n', 'shown_only', '--query', 'status'])).out, '"Running"\n');
  assert.equal((await run(['job', 'cancel', '-n', 'shown_only'])).code, 0);
});

test('several trials on a terminal have a line each, and one says how the whole stands', {
  skip: noTerminal,
}, async () => {
  const stage = { trials: 3, milliseconds: 30, steps: 60, epochs: 2 };
  const { code, shown } = await onTerminal('train pictures -n lines', stage, '', /never/);
  assert.equal(code, 0);
  assert.match(
    stripVTControlCharacters(shown),
    /trial 1\/3 {2}epoch .*\r\n {2}trial 2\/3 {2}epoch .*\r\n {2}trial 3\/3 {2}epoch .*\r\n {2}0 of 3 trials done/,
  );
  assert.match(shown, /1 of 3 trials done · best accuracy 0\.910 \(trial 1\)/);
});

test('NO_COLOR is honoured', async (t) => {
  if (spawnSync('script', ['--version']).error) return t.skip('no script command here to make a pseudo-terminal with');
  const command = `'${process.execPath}' '${fovea}' train pictures -n plainer`;
  const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '1' },
  });
  assert.ok(stdout.includes('\x1b[2K') && !stdout.includes('\x1b[3'), 'the line is redrawn, without colours');
});
