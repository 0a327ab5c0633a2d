import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { JobRecord } from '@fovea/automl';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { printableLines } from './printable.ts';

const pollMilliseconds = 300;

/**
 * Writes the logs of a job's trials to stdout as they grow, until the job ends, and sets the exit code by how it ended.
 * @throws CommandFailure when the process that ran the job is gone
 */
export async function followLogs(context: Context, options: CommonOptions & { name: string }): Promise<void> {
  const { terminal, services } = context;
  const { readJob, isJobAlive, jobFolder, trialLogPath } = await services.automl();
  const workspace = resolve(options.workspace);
  const folder = jobFolder(workspace, options.name);
  const read = new Map<string, number>();
  for (;;) {
    // In this order: a process that is gone has written its last record, and a record that has ended follows its last log.
    const alive = isJobAlive(workspace, options.name);
    const record = readJob(workspace, options.name) as JobRecord;
    for (const { name } of record.trials) {
      const more = await textFrom(trialLogPath(join(folder, name)), read.get(name) ?? 0);
      if (more.length > 0) terminal.out.write(printableLines(more.toString('utf8')));
      read.set(name, (read.get(name) ?? 0) + more.length);
    }
    if (record.status === 'Completed') return;
    if (record.status === 'Failed' || record.status === 'Canceled') {
      terminal.err.write(
        `  ${record.name} ${record.status === 'Failed' ? 'failed' : 'was stopped'}: ${printableLines(record.error ?? '')}\n`,
      );
      context.exitCode = exitCodes.failed;
      return;
    }
    if (!alive) {
      throw new CommandFailure(`${options.name} does not go on: the process that ran it is gone`, {
        hint: `fovea job resume --name ${options.name}`,
      });
    }
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
