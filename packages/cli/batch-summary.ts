import type { JobRecord } from '@fovea/platform';
import type { BatchFacts } from '@fovea/platform/endpoints';
import { printable } from './printable.ts';
import { count, counted, duration } from './quantities.ts';
import { entryLine, shortPath } from './summary.ts';
import type { Channel } from './terminal.ts';
import { type WorkspaceOptions, workspaceWords } from './workspace.ts';

/** A completed job that scored pictures, in a few lines: how many, where the results are, what to type next. */
export function batchSummaryLines(
  channel: Channel,
  { name, start_time: start, end_time: end }: Pick<JobRecord, 'name' | 'start_time' | 'end_time'>,
  { files, done, failed, predictions, summary, output }: BatchFacts,
  options: WorkspaceOptions,
): string[] {
  const parts = [`scored ${count(done - failed)} of ${counted(files ?? done, 'file')}`];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (start !== null && end !== null) parts.push(duration((Date.parse(end) - Date.parse(start)) / 1000));
  const lines = [`  ${channel.paint('green', '✓')} ${channel.paint('bold', parts.join(' · '))}`];
  const entry = (what: string, text: string) => lines.push(entryLine(channel, what, text));
  if (predictions !== null) entry('results', printable(shortPath(predictions)));
  if (summary !== null) entry('summary', printable(shortPath(summary)));
  if (output !== null) entry('also in', printable(shortPath(output)));
  entry('copy', `fovea job download${workspaceWords(options)} --name ${name}`);
  return lines;
}
