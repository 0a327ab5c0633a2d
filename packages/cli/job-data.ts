import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Context } from './command.ts';
import type { ReadJob } from './job-file.ts';

/**
 * Adds what is wrong with the data of a job to what is wrong with its file: tables that are not there or have bad lines, images that
 * are named and missing. Images themselves are not opened.
 */
export async function checkJobData({ services }: Context, read: ReadJob, baseFolder: string): Promise<ReadJob> {
  const { job } = read;
  if (job === null) return read;
  const { readTable, readImageFolder } = await services.data();
  const issues = [...read.issues];
  const sources = new Map(read.sources);
  for (const [role, input] of [
    ['training', job.training_data],
    ['validation', job.validation_data],
  ] as const) {
    if (input === undefined) continue;
    const path = resolve(baseFolder, input.path);
    if (await holdsClassFolders(path)) {
      issues.push(...readImageFolder(path).issues);
    } else {
      const table = await readTable(path, { targetColumn: job.target_column_name, role });
      issues.push(...table.issues);
      for (const [file, source] of table.sources) sources.set(file, source);
    }
  }
  return { job: issues.some(({ severity }) => severity === 'error') ? null : job, issues, sources };
}

/** A folder without an MLTable file in it is pictures, sorted into folders. */
async function holdsClassFolders(path: string): Promise<boolean> {
  const [folder, table] = await Promise.all([
    stat(path).catch(() => null),
    stat(join(path, 'MLTable')).catch(() => null),
  ]);
  return folder?.isDirectory() === true && table === null;
}
