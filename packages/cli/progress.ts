import type { RunEvent } from '@fovea/automl';
import { liveLine } from './live-line.ts';
import { printable, printableLines } from './printable.ts';
import { count, duration, figure, megabytes, rate } from './quantities.ts';
import { fittedStepLine, metricWords, place, stepLine } from './step-line.ts';
import type { Channel, Style } from './terminal.ts';

/** What of a run is said while it runs. */
export interface ProgressOptions {
  /** `progress` shows the run; `quiet` only its warnings and errors; `errors` only its errors. */
  show: 'progress' | 'quiet' | 'errors';
  /** The run's own log is shown too. */
  verbose: boolean;
  /** Milliseconds; passed in so that a test can turn it. */
  now?: () => number;
}

export interface Progress {
  onEvent(event: RunEvent): void;
  /** Prints whole lines, above the live one if there is one. */
  say(text: string): void;
  /** Takes the live line away and gives the cursor back. */
  close(): void;
}

type Phase = Extract<RunEvent, { type: 'phase' }>;
type Step = Extract<RunEvent, { type: 'step' }>;
type Epoch = Extract<RunEvent, { type: 'epoch' }>;
type Trial = Extract<RunEvent, { type: 'trial' }>;

const redrawMilliseconds = 100;
const plainStepMilliseconds = 5000;

/**
 * Turns the events of a run into what a person sees on `channel`: on a terminal one line redrawn in place, elsewhere a
 * line for each epoch and, in epochs that take long, one every five seconds.
 */
export function showProgress(channel: Channel, { show, verbose, now = Date.now }: ProgressOptions): Progress {
  const live = show === 'progress' && channel.isTerminal ? liveLine(channel) : null;
  const say = (text: string) => (live ? live.print(text) : channel.write(`${text}\n`));
  let lastDrawn = live ? -Infinity : now();
  let epochStarted = now();
  let step: Step | null = null;
  let trial: Trial | null = null;

  const handlers: { [Type in RunEvent['type']]: (event: Extract<RunEvent, { type: Type }>) => void } = {
    log({ level, message }) {
      const wanted = level === 'error' || (level === 'warning' ? show !== 'errors' : show === 'progress' || verbose);
      if (!wanted) return;
      const [style, word] = logWords[level];
      const lead = word === '' ? '' : `${channel.paint(style, word)} `;
      say(`  ${lead}${printableLines(message).replaceAll('\n', '\n    ')}`);
    },
    phase({ name, message, done, total }) {
      epochStarted = now();
      if (show !== 'progress') return;
      const counted = done !== undefined && total !== undefined;
      const due = now() - lastDrawn >= (live ? redrawMilliseconds : plainStepMilliseconds);
      if (counted && !due) return;
      lastDrawn = now();
      const line = `  ${printable(message)}${counted ? `  ${amounts(name, done, total)}` : ' …'}`;
      if (live) live.draw(line.slice(0, channel.columns() - 1));
      else channel.write(`${line}\n`);
    },
    trial(event) {
      trial = event;
      epochStarted = now();
      step = null;
      if (show === 'progress' && event.trials > 1) say(`  ${trialLine(channel, event)}`);
    },
    step(event) {
      step = event;
      const due = now() - lastDrawn >= (live ? redrawMilliseconds : plainStepMilliseconds);
      if (show !== 'progress' || (!due && !(live && event.step === event.steps))) return;
      // Plain lines are for epochs that take long: a short one has its own line soon.
      if (!live && now() - epochStarted < plainStepMilliseconds) return;
      lastDrawn = now();
      if (live) live.draw(fittedStepLine(channel, event, trial));
      else channel.write(`${stepLine(event, trial)}\n`);
    },
    epoch(event) {
      const seconds = (now() - epochStarted) / 1000;
      epochStarted = now();
      if (show === 'progress' && !live) channel.write(`  ${epochLine(event, step, trial, seconds)}\n`);
    },
    verified() {},
    done() {
      live?.clear();
    },
  };

  return {
    onEvent(event) {
      (handlers[event.type] as (event: RunEvent) => void)(event);
    },
    say,
    close() {
      live?.close();
    },
  };
}

const logWords = {
  info: ['dim', ''],
  warning: ['yellow', 'warning'],
  error: ['red', 'error'],
} as const satisfies Record<string, readonly [Style, string]>;

/** Of downloads the amounts are bytes. */
function amounts(phase: Phase['name'], done: number, total: number): string {
  return phase === 'weights' ? `${megabytes(done)} of ${megabytes(total)} MB` : `${count(done)} of ${count(total)}`;
}

function epochLine(event: Epoch, step: Step | null, trial: Trial | null, seconds: number): string {
  const parts = [place(event, trial)];
  for (const name of shownMetrics(event.metrics, step?.metricName)) {
    const value = event.metrics[name];
    if (value !== undefined) parts.push(`${metricWords(name)} ${figure(value)}`);
  }
  if (step) parts.push(rate(step.imagesPerSecond));
  parts.push(duration(seconds));
  if (event.improved) parts.push('best so far');
  return parts.join('  ');
}

/** Of the two dozen metrics of an evaluation: the primary one and the losses. */
function shownMetrics(metrics: Readonly<Record<string, number>>, primary: string | undefined): string[] {
  const losses = Object.keys(metrics).filter((name) => /loss$/.test(name) && name !== 'log_loss');
  return [
    ...(primary !== undefined && primary in metrics ? [primary] : []),
    ...losses.filter((name) => name !== primary),
  ];
}

function trialLine(channel: Channel, { index, trials, model, hyperparameters }: Trial): string {
  const settings = Object.entries(hyperparameters)
    .filter(([name]) => name !== 'model_name')
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : String(value)}`);
  return [channel.paint('bold', `trial ${index + 1}/${trials}`), printable([model, ...settings].join('  '))].join('  ');
}
