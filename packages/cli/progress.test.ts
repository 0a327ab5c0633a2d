import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { RunEvent } from '@fovea/automl';
import type { TrialSummary } from '@fovea/platform';
import { type ProgressOptions, showProgress } from './progress.ts';
import type { Channel } from './terminal.ts';

const step = (fields: Partial<Extract<RunEvent, { type: 'step' }>> = {}): RunEvent => ({
  type: 'step',
  trial: 'amber_lynx_HD_0',
  epoch: 3,
  epochs: 15,
  step: 61,
  steps: 100,
  imagesPerSecond: 58.2,
  loss: 0.2123,
  etaSeconds: 130,
  best: { value: 0.937, epoch: 2 },
  metricName: 'accuracy',
  ...fields,
});

const epoch: RunEvent = {
  type: 'epoch',
  trial: 'amber_lynx_HD_0',
  epoch: 3,
  epochs: 15,
  metrics: { train_loss: 0.21234, valid_loss: 0.3, accuracy: 0.9371, f1_score_macro: 0.9, log_loss: 0.3 },
  improved: true,
};

/** A progress on a terminal or pipe of our own, with a clock of our own in seconds. */
function staged(options: { isTerminal: boolean; columns?: number; colours?: boolean } & Partial<ProgressOptions>) {
  let written = '';
  let seconds = 0;
  const channel: Channel = {
    isTerminal: options.isTerminal,
    columns: () => options.columns ?? 120,
    paint: (style, text) => (options.colours ? `<${style}>${text}</>` : text),
    write(text) {
      written += text;
    },
  };
  const progress = showProgress(channel, { show: 'progress', verbose: false, ...options, now: () => seconds * 1000 });
  return {
    progress,
    at(time: number, event: RunEvent, trial?: string) {
      seconds = time;
      progress.onEvent(event, trial);
    },
    trialsAt(time: number, trials: readonly TrialSummary[]) {
      seconds = time;
      progress.onTrials(trials, 'accuracy');
    },
    written: () => written,
    lines: () => written.split('\n').slice(0, -1),
  };
}

test('on a terminal one line is redrawn, at most ten times in a second', () => {
  const stage = staged({ isTerminal: true });
  for (let index = 1; index <= 100; index++) stage.at(index / 100, step({ step: index % 100 }));
  stage.progress.close();
  const drawn = stage.written().split('\r').length - 1;
  assert.ok(drawn >= 9 && drawn <= 12, `drawn ${drawn} times`);
  assert.ok(!stage.written().includes('\n'), 'it never leaves its line');
});

test('the live line says place, part, speed, loss, best and what is left', () => {
  const stage = staged({ isTerminal: true });
  stage.at(1, step());
  const [, line = ''] = stage.written().split('\r');
  assert.equal(
    stripVTControlCharacters(line),
    '  epoch 3/15  ━━━━━━━━━━━━━━╸           61 %  58 img/s  loss 0.212  best accuracy 0.937 (epoch 2)  2 m 10 s left',
  );
});

test('the cursor is hidden while the line lives and given back after', () => {
  const stage = staged({ isTerminal: true });
  stage.at(1, step());
  stage.progress.close();
  assert.ok(stage.written().startsWith('\x1b[?25l'));
  assert.ok(stage.written().endsWith('\r\x1b[2K\x1b[?25h'));
});

test('the live line fits every width: the bar goes first, then what is worth least', () => {
  for (let columns = 8; columns <= 140; columns++) {
    const stage = staged({ isTerminal: true, columns });
    stage.at(1, step());
    stage.progress.close();
    const line = stripVTControlCharacters(stage.written().split('\r')[1] ?? '');
    assert.ok(line.length < columns, `${line.length} of ${columns}: ${line}`);
    if (columns > 60) assert.match(line, /epoch 3\/15 .*61 % .*left/);
  }
});

test('without colours the bar differs in shape, with them in colour', () => {
  const plain = staged({ isTerminal: true });
  plain.at(1, step({ step: 50 }));
  assert.match(plain.written(), /━{12} {12}/);
  const coloured = staged({ isTerminal: true, colours: true });
  coloured.at(1, step({ step: 51 }));
  assert.match(coloured.written(), /<cyan>━{12}<\/><dim>━{12}<\/>/);
});

test('a message passes above the live line', () => {
  const stage = staged({ isTerminal: true });
  stage.at(1, step());
  stage.at(1.01, { type: 'log', level: 'warning', message: 'odd \x1b[2J picture' });
  assert.match(
    stripVTControlCharacters(stage.written()),
    /\r {2}warning odd \\u001b\[2J picture\n {2}epoch 3\/15[^\n]*$/,
  );
});

test('elsewhere each epoch is a line', () => {
  const stage = staged({ isTerminal: false });
  for (let index = 1; index <= 100; index++) stage.at(index / 25, step({ step: index }));
  stage.at(4.2, epoch);
  assert.deepEqual(stage.lines(), [
    '  epoch 3/15  accuracy 0.937  train loss 0.212  valid loss 0.300  58 img/s  4.2 s  best so far',
  ]);
});

test('elsewhere a long epoch says where it is every five seconds', () => {
  const stage = staged({ isTerminal: false });
  for (let index = 1; index <= 170; index++) stage.at(index / 10, step({ step: index, steps: 1000 }));
  assert.equal(stage.lines().length, 3);
  assert.equal(
    stage.lines()[0],
    '  epoch 3/15   5 %  58 img/s  loss 0.212  best accuracy 0.937 (epoch 2)  2 m 10 s left',
  );
  assert.ok(!stage.written().includes('\x1b'), 'no control sequences');
});

test('trials are named when there are several', () => {
  const stage = staged({ isTerminal: false });
  const trial = {
    type: 'trial',
    trial: 'a_HD_1',
    index: 1,
    trials: 4,
    model: 'resnet18',
    because: 'drawn at random',
  } as const;
  stage.at(0, { ...trial, hyperparameters: { model_name: 'resnet18', learning_rate: 0.00512345 } });
  stage.at(1, { ...epoch, trial: 'a_HD_1' });
  assert.equal(stage.lines()[0], '  trial 2/4  resnet18  learning_rate 0.005123  drawn at random');
  assert.match(stage.lines()[1] ?? '', /^ {2}trial 2\/4 {2}epoch 3\/15 /);
});

/** A trial of four, as an event and as it stands. */
const begun = (index: number, because: string | null = null): RunEvent => {
  const hyperparameters = { learning_rate: 0.001 * (index + 1) };
  return {
    ...{ type: 'trial', trial: `a_HD_${index}`, index, trials: 4 },
    ...{ model: 'resnet18', hyperparameters, because },
  };
};
const standing = (number: number, accuracy: number | null, fields: Partial<TrialSummary> = {}): TrialSummary => ({
  ...{
    name: `a_HD_${number}`,
    job: 'a',
    number,
    status: 'Running',
    model_name: 'resnet18',
    draw: {},
    hyperparameters: {},
  },
  ...{ chosen_because: 'drawn at random', ended_because: null, properties: {}, attempts: 1, device: null },
  ...{ created_at: '', start_time: null, end_time: null, best_epoch: accuracy === null ? null : 2 },
  metrics: accuracy === null ? {} : { accuracy },
  ...fields,
});

test('on a terminal each running trial has a line, and one says how the whole stands', () => {
  const stage = staged({ isTerminal: true });
  stage.at(0, { type: 'phase', name: 'precision', message: 'timing resnet18' });
  for (const index of [0, 1]) stage.at(0, begun(index), `a_HD_${index}`);
  stage.trialsAt(1, [standing(0, null), standing(1, null)]);
  stage.at(2, step({ trial: 'a_HD_1', epoch: 1 }), 'a_HD_1');
  stage.at(3, step({ trial: 'a_HD_0', epoch: 2 }), 'a_HD_0');
  const lines = () => stripVTControlCharacters(stage.written()).split('\r').at(-1)?.split('\n') ?? [];
  assert.deepEqual(
    lines().map((line) => line.slice(0, 24)),
    ['  trial 1/4  epoch 2/15 ', '  trial 2/4  epoch 1/15 ', '  0 of 4 trials done'],
  );
  stage.trialsAt(4, [standing(0, 0.9), standing(1, 0.5, { status: 'Failed', error: 'no memory\nat all' })]);
  assert.deepEqual(lines(), [
    '  trial 2 failed  accuracy 0.500 (epoch 2)  no memory',
    lines()[1],
    '  1 of 4 trials done, 1 failed · best accuracy 0.900 (trial 1)',
  ]);
  assert.match(lines()[1] ?? '', /^ {2}trial 1\/4 {2}epoch 2\/15/);
  stage.progress.close();
  assert.ok(stage.written().endsWith('\r\x1b[1A\x1b[J\x1b[?25h'), 'both lines are taken away');
});

test('more trials than lines are counted', () => {
  const stage = staged({ isTerminal: true });
  for (let index = 0; index < 11; index++) {
    stage.at(index, begun(index), `a_HD_${index}`);
    stage.at(index + 0.5, step({ trial: `a_HD_${index}` }), `a_HD_${index}`);
  }
  const last = stripVTControlCharacters(stage.written()).split('\r').at(-1)?.split('\n') ?? [];
  assert.equal(last.length, 9);
  assert.equal(last[8], '  and 3 more at work');
});

test('of several trials each is told when it ends, once, with the reason; one that goes on is told again', () => {
  const stage = staged({ isTerminal: false });
  stage.at(0, begun(0, 'small models come first'), 'a_HD_0');
  const stopped = standing(0, 0.5, { status: 'Completed', ended_because: 'below the median of 3 trials' });
  const canceled = standing(1, null, { status: 'Canceled' });
  for (let time = 1; time < 4; time++) stage.trialsAt(time, [stopped, canceled]);
  stage.trialsAt(5, [stopped, standing(1, 0.8)]);
  stage.trialsAt(6, [stopped, standing(1, 0.8, { status: 'Completed' })]);
  assert.deepEqual(stage.lines(), [
    '  trial 1/4  resnet18  learning_rate 0.001  small models come first',
    '  trial 1 stopped  accuracy 0.500 (epoch 2)  below the median of 3 trials',
    '  trial 2 canceled',
    '  trial 2 done  accuracy 0.800 (epoch 2)',
  ]);
});

test('what trials say of themselves is left out of many, but for what is wrong, which is said once', () => {
  const stage = staged({ isTerminal: false });
  for (const index of [0, 1]) {
    const trial = `a_HD_${index}`;
    stage.at(0, begun(index), trial);
    stage.at(0, { type: 'log', level: 'info', message: 'chose bf16' }, trial);
    stage.at(0, { type: 'log', level: 'warning', message: 'random weights' }, trial);
    stage.at(0, { type: 'log', level: 'error', message: 'no room' }, trial);
    stage.at(0, { type: 'phase', name: 'export', message: 'exporting' }, trial);
  }
  stage.at(1, { type: 'log', level: 'info', message: 'three models were timed' });
  assert.deepEqual(
    stage.lines().filter((line) => !line.includes('resnet18')),
    [
      '  trial 1  warning random weights',
      '  trial 1  error no room',
      '  trial 2  error no room',
      '  three models were timed',
    ],
  );
});

test('quiet shows warnings and errors only, and errors when only they are wanted', () => {
  const events: RunEvent[] = [
    { type: 'phase', name: 'data', message: '12 images' },
    { type: 'log', level: 'info', message: 'chose bf16' },
    { type: 'log', level: 'warning', message: 'one duplicate' },
    { type: 'log', level: 'error', message: 'no room' },
    step(),
    epoch,
  ];
  const quiet = staged({ isTerminal: true, show: 'quiet' });
  const errors = staged({ isTerminal: true, show: 'errors' });
  const verbose = staged({ isTerminal: false, show: 'quiet', verbose: true });
  for (const stage of [quiet, errors, verbose]) for (const event of events) stage.at(9, event);
  assert.deepEqual(quiet.lines(), ['  warning one duplicate', '  error no room']);
  assert.deepEqual(errors.lines(), ['  error no room']);
  assert.deepEqual(verbose.lines(), ['  chose bf16', '  warning one duplicate', '  error no room']);
});

test('what the run tells stays above the live line, what it is busy with stands in it', () => {
  const stage = staged({ isTerminal: true });
  stage.at(0, { type: 'phase', name: 'data', message: 'reading the data' });
  stage.at(1, { type: 'phase', name: 'data', message: 'opening every image', done: 300, total: 1204 });
  stage.at(1.01, { type: 'phase', name: 'data', message: 'opening every image', done: 301, total: 1204 });
  stage.at(1.5, { type: 'phase', name: 'weights', message: 'fetching a.pth', done: 1_250_000, total: 14_212_972 });
  stage.at(2, { type: 'log', level: 'info', message: 'mobilenetv2 3.5 M parameters' });
  const [first, ...others] = stage.written().split('\n');
  const drawn = stripVTControlCharacters(first ?? '').split('\r');
  assert.deepEqual(drawn, [
    '',
    '  reading the data …',
    '  opening every image  300 of 1,204',
    '  fetching a.pth  1.3 of 14.2 MB',
    '  mobilenetv2 3.5 M parameters',
  ]);
  assert.deepEqual(others, ['  fetching a.pth  1.3 of 14.2 MB']);
  stage.progress.close();
});

test('elsewhere what it is busy with is a line, and counts are told every five seconds', () => {
  const stage = staged({ isTerminal: false });
  stage.at(0, { type: 'phase', name: 'data', message: 'reading the data' });
  for (let done = 0; done <= 120; done++) {
    stage.at(done / 10, { type: 'phase', name: 'data', message: 'opening every image', done, total: 120 });
  }
  assert.deepEqual(stage.lines(), [
    '  reading the data …',
    '  opening every image  50 of 120',
    '  opening every image  100 of 120',
  ]);
});

test('a job that scores pictures is one line: how many, how fast, how long', () => {
  const scored = (done: number, failed: number, imagesPerSecond: number, etaSeconds: number | null): RunEvent => ({
    ...{ type: 'scored', files: 9000, done, failed, imagesPerSecond, etaSeconds },
  });
  const plain = staged({ isTerminal: false });
  plain.at(0, scored(0, 0, 0, null));
  plain.at(6, scored(1206, 2, 58.2, 130));
  plain.at(7, scored(1300, 2, 58.2, 129));
  assert.deepEqual(plain.lines(), ['  scored 1,204 of 9,000 (13 %)  2 failed  58 img/s  2 m 10 s left']);
  const live = staged({ isTerminal: true });
  live.at(1, scored(9000, 0, 60, 0));
  assert.match(live.written(), /scored 9,000 of 9,000 \(100 %\) {2}60 img\/s/);
});
