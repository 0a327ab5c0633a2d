import type { JobRecord, TrialSummary } from '@fovea/platform';
import { printable, printableLines } from './printable.ts';
import { count, figure } from './quantities.ts';
import { metricWords } from './step-line.ts';
import type { Channel } from './terminal.ts';

/** Of more trials the table after a job has the best. */
const shownTrials = 12;

/** Whether nothing more happens to a trial or a job by itself. */
export const hasEnded = ({ status }: { status: TrialSummary['status'] }): boolean =>
  status === 'Completed' || status === 'Failed' || status === 'Canceled';

/** People count from 1. */
export const ordinal = ({ number }: Pick<TrialSummary, 'number'>): number => number + 1;

/** What was drawn for a trial, but for its model: `learning_rate 0.00512  optimizer sgd`. */
export function drawnWords(draw: Readonly<Record<string, unknown>>): string {
  const others = Object.entries(draw).filter(([name]) => name !== 'model_name');
  const words = others.map(([name, value]) => {
    return `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : String(value)}`;
  });
  return printable(words.join('  '));
}

/** A trial that has ended, in one line: how good it was, and why it ended. */
export function trialEnd(channel: Channel, trial: TrialSummary, metric: string): string {
  const why = whyEnded(trial);
  const value = trial.metrics[metric];
  const result =
    value === undefined ? [] : [`${metricWords(metric)} ${figure(value)} (epoch ${trial.best_epoch ?? '?'})`];
  const isFailed = trial.status === 'Failed';
  const word = isFailed ? channel.paint('red', 'failed') : wordFor(trial);
  return [`trial ${ordinal(trial)} ${word}`, ...result, ...(why === '' ? [] : [printableLines(why)])].join('  ');
}

const wordFor = ({ status, ended_because: why }: TrialSummary): string => {
  if (status === 'Completed') return why === null ? 'done' : 'stopped';
  return status === 'Failed' ? 'failed' : 'canceled';
};

const whyEnded = ({ error, ended_because: why }: TrialSummary): string => (error ?? why ?? '').split('\n')[0];

/** Trials as rows of a table. */
export function trialRows(trials: readonly TrialSummary[], metric: string | undefined): Record<string, unknown>[] {
  return trials.map((trial) => ({
    name: trial.name,
    status: trial.status,
    ...(metric !== undefined && { [metric]: rounded(trial.metrics[metric]) }),
    'best epoch': trial.best_epoch,
    model: trial.model_name,
    hyperparameters: drawnWords(trial.draw),
    device: trial.device,
    because: whyEnded(trial) || trial.chosen_because,
  }));
}

/** As many digits as tell one result from another. */
export const rounded = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(4));

/** The trials of a job with several, the best first: value, model, what was drawn, epochs, and why it ended before its last. */
export function trialTable(channel: Channel, record: JobRecord): string[] {
  const { trials, primary_metric: metric } = record;
  const value = (trial: TrialSummary) => trial.metrics[metric] ?? Number.NEGATIVE_INFINITY;
  const sorted = trials.toSorted((a, b) => value(b) - value(a) || a.number - b.number);
  const rows = sorted
    .slice(0, shownTrials)
    .map((trial) => [
      ...[trial.metrics[metric] === undefined ? '–' : figure(trial.metrics[metric]), String(ordinal(trial))],
      ...[printable(trial.model_name), drawnWords(trial.draw), String(trial.epochs.at(-1)?.epoch ?? 0)],
      ...[wordFor(trial) === 'done' ? '' : [wordFor(trial), printable(whyEnded(trial))].join(' ')],
    ]);
  const all = [[metricWords(metric), 'trial', 'model', 'hyperparameters', 'epochs', 'ended'], ...rows];
  const hasValues = all[0].map((_, column) => rows.some((row) => row[column] !== ''));
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const isRight = (column: number) => column === 0 || column === 1 || column === 4;
  const lines = all.map((row) => {
    const cells = row.map((cell, i) => (isRight(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    const line = `    ${cells.filter((_, i) => hasValues[i]).join('  ')}`.trimEnd();
    return channel.isTerminal ? cut(line, channel.columns() - 1) : line;
  });
  const [head = '', ...others] = lines;
  const left = trials.length - rows.length;
  return [channel.paint('dim', head), ...others, ...(left > 0 ? [`    and ${count(left)} more`] : [])];
}

const cut = (line: string, width: number): string => (line.length <= width ? line : `${line.slice(0, width - 1)}…`);
