import { resolve } from 'node:path';
import type { JobRecord, RunEvent } from '@fovea/automl';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { printableLines } from './printable.ts';
import { showProgress } from './progress.ts';
import { figure } from './quantities.ts';
import { summaryLines, workspaceWords } from './summary.ts';

export interface Showing {
  /** `progress` shows the run; `quiet` says only what is wrong. */
  readonly show: 'progress' | 'quiet';
  /** Where the summary of a shown run goes: to stdout where it is the result, to stderr where a record is. */
  readonly summaryTo: 'out' | 'err';
}

/** What every way of starting a run is told. */
export interface Watched {
  readonly workspace: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Runs a job in this process until it ends or is stopped, says so on stderr, and sets the exit code: 0 completed, 1 failed or out of
 * time, 130 stopped by Ctrl-C, 143 by SIGTERM.
 *
 * @param start begins the run, or goes on with one
 * @throws CommandFailure when it was stopped before there was a job
 * @throws IssuesError when the data has problems: nothing has been started then
 */
export async function runInForeground(
  context: Context,
  options: CommonOptions,
  { show, summaryTo }: Showing,
  start: (watched: Watched) => Promise<JobRecord>,
): Promise<JobRecord> {
  const { err } = context.terminal;
  const progress = showProgress(err, {
    show: options.onlyShowErrors ? 'errors' : show,
    verbose: options.verbose === true || options.debug === true,
  });
  const differences = new Map<string, string>();
  const interruption = onInterruption(() => progress.say('  stopping after this step; Ctrl-C again ends at once'));
  const onEvent = (event: RunEvent) => {
    if (event.type === 'verified') differences.set(event.trial, differenceOf(event));
    progress.onEvent(event);
  };
  let record: JobRecord;
  try {
    record = await start({ workspace: resolve(options.workspace), signal: interruption.signal, onEvent });
  } catch (error) {
    const stopped = interruption.exitCode();
    if (stopped !== null)
      throw new CommandFailure('stopped before training began; nothing is left of it', { exitCode: stopped });
    throw error;
  } finally {
    interruption.release();
    progress.close();
  }

  if (record.status === 'Completed') {
    context.exitCode = exitCodes.done;
    const lines = summaryLines(context.terminal[summaryTo], record, differences, options.workspace);
    if (show === 'progress' && !(options.onlyShowErrors && summaryTo === 'err')) {
      context.terminal[summaryTo].write(`${lines.join('\n')}\n`);
    }
    return record;
  }
  context.exitCode = interruption.exitCode() ?? exitCodes.failed;
  const [word, why] =
    record.status === 'Failed'
      ? [err.paint('red', 'failed'), record.error]
      : ['stopped', interruption.exitCode() === null ? record.error : undefined];
  err.write(`  ${record.name} ${word}${why === undefined ? '' : `: ${printableLines(why)}`}\n`);
  if (record.status === 'Canceled' || record.status === 'Failed') {
    const when = record.status === 'Canceled' ? 'go on' : 'again';
    err.write(
      `    ${err.paint('dim', when)}    fovea job resume${workspaceWords(options.workspace)} --name ${record.name}\n`,
    );
  }
  return record;
}

/** By how much ONNX differs, in words. */
const differenceOf = (event: Extract<RunEvent, { type: 'verified' }>): string =>
  'maxAbsDifference' in event
    ? figure(event.maxAbsDifference)
    : `${figure(event.relativeDifference)} of the deviation of its answers`;
