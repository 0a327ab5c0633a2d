import { open } from 'node:fs/promises';
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
      const more = await textFrom(workspace.trialLog(name), read.get(name) ?? 0);
      if (more.length === 0) continue;
      if (all.length > 1 && last !== name) out.write(`${last === null ? '' : '\n'}==> ${name} <==\n`);
      last = name;
      out.write(printableLines(more.toString('utf8')));
      read.set(name, (read.get(name) ?? 0) + more.length);
    }
    if (over) return;
    await wait(pollMilliseconds);
  }
}

/** The whole lines of a file from a place on; nothing of a file that is not there yet. */
async function textFrom(path: string, start: number): Promise<Buffer> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    return bytes.subarray(0, bytes.lastIndexOf(10, bytesRead - 1) + 1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
