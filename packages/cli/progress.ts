import type { RunEvent } from '@fovea/automl';
import type { TrialSummary } from '@fovea/platform';
import { liveLine } from './live-line.ts';
import { printable, printableLines } from './printable.ts';
import { count, duration, figure, megabytes, percent, rate, remaining } from './quantities.ts';
import { fittedStepLine, metricWords, place, stepLine } from './step-line.ts';
import type { Channel, Style } from './terminal.ts';
import { drawnWords, hasEnded, ordinal, trialEnd } from './trial-words.ts';

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
  /** @param trial the trial that says it; nothing or null for what is said of the job as a whole */
  onEvent(event: RunEvent, trial?: string | null): void;
  /** Is told from time to time how the trials of a job stand: of several, each is mentioned when it has ended. */
  onTrials(trials: readonly TrialSummary[], metric: string): void;
  /** Prints whole lines, above the live ones if there are any. */
  say(text: string): void;
  /** Takes the live lines away and gives the cursor back. */
  close(): void;
}

type Phase = Extract<RunEvent, { type: 'phase' }>;
type Step = Extract<RunEvent, { type: 'step' }>;
type Epoch = Extract<RunEvent, { type: 'epoch' }>;
type Trial = Extract<RunEvent, { type: 'trial' }>;
type Scored = Extract<RunEvent, { type: 'scored' }>;

/** Where a trial is, or (without a name) the job outside of its trials. */
interface Place {
  trial: Trial | null;
  step: Step | null;
  epochStarted: number;
  /** When a line was last written of it, where lines are not redrawn. */
  told: number;
  /** What stands of it in the live lines, made to fit; null: nothing. */
  line: (() => string) | null;
}

const redrawMilliseconds = 100;
const plainStepMilliseconds = 5000;
/** Of more trials at once the others are counted. */
const mostLines = 8;

/**
 * Turns the events of a run into what a person sees on `channel`: on a terminal a line redrawn in place for each running trial,
 * elsewhere a line for each epoch and, in epochs that take long, one every five seconds.
 */
export function showProgress(channel: Channel, { show, verbose, now = Date.now }: ProgressOptions): Progress {
  const live = show === 'progress' && channel.isTerminal ? liveLine(channel) : null;
  const say = (text: string) => (live ? live.print(text) : channel.write(`${text}\n`));
  const places = new Map<string | null, Place>();
  const ended = new Set<string>();
  const warned = new Set<string>();
  let lastDrawn = Number.NEGATIVE_INFINITY;
  let several = false;
  let total = 0;
  let sum: string | null = null;

  const placeOf = (name: string | null): Place => {
    const fresh = { trial: null, step: null, epochStarted: now(), told: live ? -Infinity : now(), line: null };
    const found = places.get(name) ?? fresh;
    places.set(name, found);
    return found;
  };
  const redraw = (isDue = now() - lastDrawn >= redrawMilliseconds) => {
    if (!live || !isDue) return;
    lastDrawn = now();
    const lines = linesOf(channel, [...places.values()], several ? sum : null);
    if (lines.length === 0) live.clear();
    else live.draw(...lines);
  };
  /** Something of a trial is to stand in the live lines. */
  const put = (name: string | null, line: () => string): void => {
    if (name !== null && ended.has(name)) return;
    placeOf(name).line = line;
    const job = places.get(null);
    if (name !== null && job) job.line = null;
  };
  const lead = (name: string | null): string => {
    const trial = name === null || !several ? null : places.get(name)?.trial;
    return trial ? `trial ${trial.index + 1}  ` : '';
  };

  const handlers: {
    [Type in RunEvent['type']]: (event: Extract<RunEvent, { type: Type }>, of: string | null) => void;
  } = {
    log({ level, message }, of) {
      const isOne = several && of !== null;
      // What one of many trials has to say of itself would drown what is said of all.
      const wantsInfo = verbose || (show === 'progress' && !isOne);
      const wanted = level === 'error' || (level === 'warning' ? show !== 'errors' : wantsInfo);
      if (!wanted || (isOne && level === 'warning' && warned.has(message))) return;
      if (level === 'warning') warned.add(message);
      const [style, word] = logWords[level];
      const mark = word === '' ? '' : `${channel.paint(style, word)} `;
      say(`  ${lead(of)}${mark}${printableLines(message).replaceAll('\n', '\n    ')}`);
    },
    phase({ name, message, done, total }, of) {
      const at = placeOf(of);
      at.epochStarted = now();
      if (show !== 'progress') return;
      const counted = done !== undefined && total !== undefined;
      const text = `  ${lead(of)}${printable(message)}${counted ? `  ${amounts(name, done, total)}` : ' …'}`;
      if (live) {
        put(of, () => text.slice(0, channel.columns() - 1));
        redraw(counted ? undefined : true);
        return;
      }
      if (several && of !== null && !verbose) return;
      if (counted && now() - at.told < plainStepMilliseconds) return;
      at.told = now();
      channel.write(`${text}\n`);
    },
    trial(event) {
      several ||= event.trials > 1;
      total = event.trials;
      const at = placeOf(event.trial);
      Object.assign(at, { trial: event, step: null, line: null, epochStarted: now() });
      const job = places.get(null);
      if (job) job.line = null;
      redraw(true);
      if (show === 'progress' && event.trials > 1) say(`  ${trialLine(channel, event)}`);
    },
    step(event) {
      const at = placeOf(event.trial);
      at.step = event;
      if (show !== 'progress') return;
      if (live) {
        put(event.trial, () => fittedStepLine(channel, event, at.trial));
        redraw(event.step === event.steps ? true : undefined);
        return;
      }
      // Plain lines are for epochs that take long: a short one has its own line soon.
      const isShort = now() - at.epochStarted < plainStepMilliseconds;
      if (isShort || now() - at.told < plainStepMilliseconds) return;
      at.told = now();
      channel.write(`${stepLine(event, at.trial)}\n`);
    },
    epoch(event) {
      const at = placeOf(event.trial);
      const seconds = (now() - at.epochStarted) / 1000;
      at.epochStarted = now();
      if (show === 'progress' && !live) channel.write(`  ${epochLine(event, at.step, at.trial, seconds)}\n`);
    },
    scored(event, of) {
      const at = placeOf(of);
      if (show !== 'progress') return;
      if (live) {
        put(of, () => scoredLine(event).slice(0, channel.columns() - 1));
        redraw(event.done === event.files ? true : undefined);
        return;
      }
      if (now() - at.told < plainStepMilliseconds) return;
      at.told = now();
      channel.write(`${scoredLine(event)}\n`);
    },
    verified() {},
  };

  return {
    onEvent(event, trial = null) {
      (handlers[event.type] as (event: RunEvent, of: string | null) => void)(event, trial);
    },
    onTrials(trials, metric) {
      several ||= trials.length > 1;
      // How many there will be is known when the first one begins.
      sum = total === 0 ? null : sumLine(trials, metric, Math.max(total, trials.length));
      const endings: string[] = [];
      for (const trial of trials) {
        if (!hasEnded(trial)) ended.delete(trial.name);
        if (!hasEnded(trial) || ended.has(trial.name)) continue;
        ended.add(trial.name);
        places.delete(trial.name);
        endings.push(`  ${trialEnd(channel, trial, metric)}`);
      }
      redraw(endings.length > 0 || undefined);
      if (several && show === 'progress') for (const line of endings) say(line);
    },
    say,
    close() {
      live?.close();
    },
  };
}

/** The live lines: one for each place that has something to say, and how the whole stands. */
function linesOf(channel: Channel, places: readonly Place[], sum: string | null): string[] {
  const shown = places
    .filter(({ line }) => line !== null)
    .sort((a, b) => (a.trial?.index ?? -1) - (b.trial?.index ?? -1));
  const lines = shown.slice(0, mostLines).map(({ line }) => line?.() ?? '');
  const width = channel.columns() - 1;
  if (shown.length > mostLines) lines.push(`  and ${shown.length - mostLines} more at work`.slice(0, width));
  if (sum !== null) lines.push(channel.paint('dim', sum.slice(0, width)));
  return lines;
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

/** `  scored 1,204 of 9,000 (13 %)  2 failed  58 img/s  2 m 10 s left`. */
function scoredLine({ files, done, failed, imagesPerSecond, etaSeconds }: Scored): string {
  const parts = [`  scored ${count(done - failed)} of ${count(files)} (${percent(files === 0 ? 1 : done / files)})`];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (imagesPerSecond > 0) parts.push(rate(imagesPerSecond));
  if (etaSeconds !== null && done < files) parts.push(`${remaining(etaSeconds)} left`);
  return parts.join('  ');
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

function trialLine(channel: Channel, { index, trials, model, hyperparameters, because }: Trial): string {
  const what = [printable(model), drawnWords(hyperparameters)].filter((words) => words !== '').join('  ');
  const why = because === null ? '' : `  ${channel.paint('dim', printable(because))}`;
  return `${channel.paint('bold', `trial ${index + 1}/${trials}`)}  ${what}${why}`;
}

/** `2 of 10 trials done · 1 failed · best accuracy 0.937 (trial 3)`. */
function sumLine(trials: readonly TrialSummary[], metric: string, total: number): string {
  const ends = trials.filter(hasEnded);
  const failed = ends.filter(({ status }) => status === 'Failed').length;
  const values = trials.map((trial) => trial.metrics[metric] ?? Number.NEGATIVE_INFINITY);
  const best = values.indexOf(Math.max(...values));
  const parts = [
    `${count(ends.length)} of ${count(total)} trials done${failed === 0 ? '' : `, ${count(failed)} failed`}`,
  ];
  if (Number.isFinite(values[best])) {
    parts.push(`best ${metricWords(metric)} ${figure(values[best])} (trial ${ordinal(trials[best])})`);
  }
  return `  ${parts.join(' · ')}`;
}
