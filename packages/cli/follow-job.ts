import type { RunEvent } from '@fovea/automl';
import type { JobRecord, Workspace } from '@fovea/platform';
import { batchSummaryLines } from './batch-summary.ts';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { onInterruption, type Stopping } from './interruption.ts';
import { printable, printableLines } from './printable.ts';
import { type Progress, showProgress } from './progress.ts';
import { figure } from './quantities.ts';
import { entryLine, shortPath, summaryLines } from './summary.ts';
import { hasEnded } from './trial-words.ts';
import { workspaceWords } from './workspace.ts';

export interface Following {
  /** What Ctrl-C does: the job ends, or it goes on without being watched. A closed terminal never ends a job. */
  readonly ctrlC: 'cancels' | 'leaves';
  /** Where the summary goes: to stdout where it is the result, to stderr where a record is. */
  readonly summaryTo: 'out' | 'err';
  /** What is said of a job whose start was stopped. */
  readonly undone?: string;
}

/** What whoever starts a job is told and may be stopped by. */
export interface Starting {
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

const trialsEveryMilliseconds = 1000;

/**
 * Starts a job that goes on by itself. stderr shows what is wrong, on a terminal also how far the reading of the data is.
 *
 * @throws CommandFailure when it was stopped before there was a job
 * @throws IssuesError when the data has problems: nothing has been started then
 */
export async function startJob(
  context: Context,
  options: CommonOptions,
  start: (starting: Starting) => Promise<JobRecord>,
  undone = nothingLeft,
): Promise<JobRecord> {
  const { err } = context.terminal;
  const progress = progressOf(context, options, err.isTerminal ? 'progress' : 'quiet');
  const stopping = new AbortController();
  const interruption = onInterruption((name) => stopBeforeStart(name, stopping, progress));
  try {
    return await start({ signal: stopping.signal, onEvent: (event) => progress.onEvent(event) });
  } catch (error) {
    throw stopping.signal.aborted ? stoppedBeforeStart(undone, interruption.exitCode()) : error;
  } finally {
    interruption.release();
    progress.close();
  }
}

/**
 * Starts a job, shows it until it ends, and sets the exit code: 0 completed, 1 failed or out of time, 130 after Ctrl-C, 143 after
 * SIGTERM.
 *
 * @param start makes the job, goes on with one, or finds it
 * @throws as `startJob`
 */
export async function followJob(
  context: Context,
  options: CommonOptions,
  workspace: Workspace,
  { ctrlC, summaryTo, undone = nothingLeft }: Following,
  start: (starting: Starting) => Promise<JobRecord>,
): Promise<JobRecord> {
  const { err } = context.terminal;
  const progress = progressOf(context, options, 'progress');
  const differences = new Map<string, string>();
  const said: string[] = [];
  const stopping = new AbortController();
  const leaving = new AbortController();
  let name: string | null = null;
  let kept = 'learned';
  let canceling: Promise<unknown> = Promise.resolve();

  const endOrLeave = (job: string) => {
    if (ctrlC === 'leaves') return leaving.abort();
    progress.say(`  ending ${job}, which keeps what it has ${kept}; Ctrl-C again leaves at once`);
    canceling = workspace.cancel(job);
    // Told when the watching has ended; until then nobody waits for it.
    canceling.catch(() => leaving.abort());
  };
  const interruption = onInterruption((by) => {
    if (by === 'SIGHUP') leaving.abort();
    else if (name === null) stopBeforeStart(by, stopping, progress);
    else endOrLeave(name);
  });

  let record: JobRecord;
  try {
    record = await start({ signal: stopping.signal, onEvent: (event) => progress.onEvent(event) });
    name = record.name;
    if (record.batch) kept = 'scored';
    // It came too late to keep the job from being made.
    if (stopping.signal.aborted) endOrLeave(name);
    record = await watched(workspace, record, {
      progress,
      signal: leaving.signal,
      onEvent: (event) => {
        if (event.type === 'log' && event.level === 'error') said.push(event.message);
        if (event.type === 'verified') differences.set(event.trial, differenceOf(event));
      },
    });
    await canceling;
  } catch (error) {
    throw name === null && stopping.signal.aborted ? stoppedBeforeStart(undone, interruption.exitCode()) : error;
  } finally {
    interruption.release();
    progress.close();
  }

  if (!hasEnded(record)) {
    context.exitCode = interruption.exitCode() ?? exitCodes.failed;
    err.write(`  ${record.name} goes on without being watched\n${nextWords(context, options, record.name)}`);
    return record;
  }
  if (record.status === 'Completed') {
    context.exitCode = exitCodes.done;
    const channel = context.terminal[summaryTo];
    const lines = record.batch
      ? batchSummaryLines(channel, record, record.batch, options)
      : summaryLines(channel, record, differences, options);
    if (!(options.onlyShowErrors && summaryTo === 'err')) context.terminal[summaryTo].write(`${lines.join('\n')}\n`);
    return record;
  }
  context.exitCode = interruption.exitCode() ?? exitCodes.failed;
  const { error = '' } = record;
  const isAskedFor = record.status === 'Canceled' && interruption.exitCode() !== null;
  const isKnown = isAskedFor || said.some((message) => message.includes(error));
  sayHowItEnded(context, options, record, { isKnown });
  return record;
}

/** A job that did not complete: why, unless the person knows it, and how to go on. */
export function sayHowItEnded(
  { terminal: { err } }: Context,
  options: CommonOptions,
  { name, status, error, batch }: JobRecord,
  { isKnown = false }: { isKnown?: boolean } = {},
): void {
  const [word, next] = status === 'Failed' ? [err.paint('red', 'failed'), 'again'] : ['stopped', 'go on'];
  err.write(`  ${name} ${word}${isKnown || error === undefined ? '' : `: ${printableLines(error)}`}\n`);
  if (batch && batch.predictions !== null)
    err.write(`${entryLine(err, 'results', printable(shortPath(batch.predictions)))}\n`);
  err.write(`${entryLine(err, next, `fovea job resume${workspaceWords(options)} --name ${name}`)}\n`);
}

/** What to type to see how a job goes on, or to end it. */
export function nextWords({ terminal: { err } }: Context, options: CommonOptions, name: string): string {
  const command = (verb: string) => `fovea job ${verb}${workspaceWords(options)} --name ${name}`;
  return `${entryLine(err, 'follow', command('stream'))}\n${entryLine(err, 'end it', command('cancel'))}\n`;
}

interface Watching {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/** Shows what happens in a job until it ends or the signal is aborted. */
async function watched(
  workspace: Workspace,
  { name, primary_metric: metric }: JobRecord,
  { progress, signal, onEvent }: Watching,
): Promise<JobRecord> {
  // How trials end is known to the database alone: a process that died cannot say so.
  let asking: Promise<void> | undefined;
  const ask = () => {
    asking ??= workspace
      .trials(name)
      .then((trials) => progress.onTrials(trials, metric))
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const timer = setInterval(() => ask().catch(() => {}), trialsEveryMilliseconds);
  try {
    const record = await workspace.watch(name, {
      signal,
      onEvent(event, trial) {
        progress.onEvent(event, trial);
        onEvent(event);
        if (event.type === 'trial') ask().catch(() => {});
      },
    });
    clearInterval(timer);
    await asking?.catch(() => {});
    progress.onTrials(record.trials, metric);
    return record;
  } finally {
    clearInterval(timer);
  }
}

function progressOf({ terminal: { err } }: Context, options: CommonOptions, show: 'progress' | 'quiet'): Progress {
  const verbose = options.verbose === true || options.debug === true;
  return showProgress(err, { show: options.onlyShowErrors ? 'errors' : show, verbose });
}

/** While the data is read there is no job yet; without a terminal the reading goes on, and the job after it. */
function stopBeforeStart(by: Stopping, stopping: AbortController, progress: Progress): void {
  if (by === 'SIGHUP') return;
  progress.say('  stopping; Ctrl-C again ends at once');
  stopping.abort();
}

const nothingLeft = 'nothing is left of it';

const stoppedBeforeStart = (undone: string, exitCode: number | null) =>
  new CommandFailure(`stopped before training began; ${undone}`, { exitCode: exitCode ?? exitCodes.failed });

/** By how much ONNX differs, in words. */
const differenceOf = (event: Extract<RunEvent, { type: 'verified' }>): string =>
  'maxAbsDifference' in event
    ? figure(event.maxAbsDifference)
    : `${figure(event.relativeDifference)} of the deviation of its answers`;
