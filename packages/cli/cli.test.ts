// The command as people and scripts meet it: a process with arguments, two streams and an exit code.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fovea, stagedCommand } from './fixtures/staged-command.ts';

const { folder, run, remove } = stagedCommand();
after(remove);

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
    run(['ml', 'schedule', 'create', '--name', 'e']),
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
  assert.match(
    err,
    / {2}error lost_HD_0 failed: the loss became NaN at step 3\n {2}lost failed\n +again +fovea job resume --name lost\n$/,
  );
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
