import { setTimeout as wait } from 'node:timers/promises';
import type { TrialSummary, Workspace } from '@fovea/platform';
import { printableLines } from './printable.ts';
import type { Channel } from './terminal.ts';
import { hasEnded } from './trial-words.ts';

const pollMilliseconds = 300;

/**
 * Writes the logs of trials to `out` as they grow. Of several, each stretch is headed by the name of its trial.
 *
 * @param isOver whether nothing more will be written; asked before the logs are read, so that the last words are not missed
 */
export async function followLogs(
  out: Channel,
  workspace: Workspace,
  trials: () => Promise<readonly Pick<TrialSummary, 'name' | 'status'>[]>,
  isOver: () => Promise<boolean>,
): Promise<void> {
  const read = new Map<string, number>();
  const readWhole = new Set<string>();
  let last: string | null = null;
  for (;;) {
    const over = await isOver();
    const all = await trials();
    for (const { name, status } of all) {
      if (readWhole.has(name)) continue;
      if (hasEnded({ status })) readWhole.add(name);
      const more = wholeLines(await workspace.log(name, read.get(name) ?? 0));
      if (more.length === 0) continue;
      if (all.length > 1 && last !== name) out.write(`${last === null ? '' : '\n'}==> ${name} <==\n`);
      last = name;
      out.write(printableLines(Buffer.from(more).toString('utf8')));
      read.set(name, (read.get(name) ?? 0) + more.length);
    }
    if (over) return;
    await wait(pollMilliseconds);
  }
}

/** Without a line that is still being written. */
const wholeLines = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.lastIndexOf(10) + 1);
