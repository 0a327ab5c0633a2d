import { relative } from 'node:path';
import type { JobRecord, TrialRecord } from '@fovea/platform';
import { printable } from './printable.ts';
import { counted, duration, figure } from './quantities.ts';
import type { Channel } from './terminal.ts';
import { trialTable } from './trial-words.ts';
import { type WorkspaceOptions, workspaceWords } from './workspace.ts';

/**
 * A completed job in a few lines: how good, where the model is, what to type next, and of several trials how they compare.
 * `differences`: of ONNX, by trial.
 */
export function summaryLines(
  channel: Channel,
  record: JobRecord,
  differences: ReadonlyMap<string, string>,
  options: WorkspaceOptions,
): string[] {
  const best = record.trials.find(({ name }) => name === record.best_trial);
  const score = record.metrics[record.primary_metric];
  const name = record.primary_metric.replaceAll('_', ' ');
  const parts = [`${name} ${score === undefined ? 'not measured' : figure(score)}${best ? effort(record, best) : ''}`];
  if (record.start_time !== null && record.end_time !== null) {
    parts.push(duration((Date.parse(record.end_time) - Date.parse(record.start_time)) / 1000));
  }
  const lines = [`  ${channel.paint('green', '✓')} ${channel.paint('bold', parts.join(' · '))}`];
  const entry = (name: string, text: string) => lines.push(entryLine(channel, name, text));
  if (record.model !== null) {
    const difference = best && differences.get(best.name);
    const verified =
      difference === undefined ? '' : `     ONNX differs from the trained model by at most ${difference}`;
    entry('model', printable(shortPath(record.model)) + channel.paint('dim', verified));
  }
  if (record.report !== null) entry('charts', printable(shortPath(record.report)));
  entry('try', `fovea predict${workspaceWords(options)} ${record.name} photo.jpg`);
  entry('deploy', `fovea deploy${workspaceWords(options)} ${record.name}`);
  if (record.trials.length > 1) lines.push('', ...trialTable(channel, record));
  return lines;
}

/** `    follow   fovea job stream --name amber_lynx`. */
export function entryLine(channel: Channel, name: string, text: string): string {
  return `    ${channel.paint('dim', name.padEnd(8))} ${text}`;
}

function effort(record: JobRecord, best: TrialRecord): string {
  if (record.trials.length > 1) {
    return `, the best of ${counted(record.trials.length, 'trial')} (${best.model_name}, epoch ${best.best_epoch ?? '?'} of ${best.name})`;
  }
  const { number_of_epochs: wanted, early_stopping_patience: patience } = best.hyperparameters;
  const last = best.epochs.at(-1)?.epoch ?? 0;
  const early = typeof wanted === 'number' && last < wanted ? ` (stopped: no better in ${String(patience)})` : '';
  return ` after ${counted(last, 'epoch')}${early}`;
}

/** Relative to where the person stands, when it lies below. */
export function shortPath(path: string): string {
  // An address of what a server has.
  if (/^[a-z]+:\/\//.test(path)) return path;
  const below = relative(process.cwd(), path);
  return below === '' || below.startsWith('..') ? path : below;
}
