import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { ImageJob } from '@fovea/automl';
import { withRegisteredData } from './asset-upkeep.ts';
import type { Context } from './command.ts';
import { printableLines } from './printable.ts';
import { textOfFile } from './text-file.ts';
import { databaseOf, type WorkspaceOptions } from './workspace.ts';

type Parsed = ReturnType<typeof import('@fovea/automl').parseJob>;
type Issue = Parsed['issues'][number];

/** A job file as it was read, and all that is to be said about it. */
export interface ReadJob {
  /** Null when the file makes no job; one with errors among its issues cannot be run either. */
  readonly job: ImageJob | null;
  readonly issues: readonly Issue[];
  /** Texts of the files that issues point into. */
  readonly sources: ReadonlyMap<string, string | { readonly lines: number }>;
}

/** Reads and checks a job file. @throws CommandFailure when there is no such file */
export async function readJobFile(
  context: Context,
  options: WorkspaceOptions,
  file: string,
  set: readonly string[],
): Promise<ReadJob> {
  const [text, automl] = await Promise.all([
    textOfFile(file, 'a job file', `for a folder of pictures: fovea train ${file}`),
    context.services.automl(),
  ]);
  const read = checkedJob(automl, text, { file, set });
  const isAbout = ({ code, path }: Issue) => code === 'no-effect' && path?.join() === 'compute';
  if (read.job === null || !read.issues.some(isAbout) || !(await isNamedCompute(context, options, read.job)))
    return read;
  return { ...read, issues: read.issues.filter((issue) => !isAbout(issue)) };
}

/** The job of a text, with what this release cannot do of it among the issues. */
export function checkedJob(
  { parseJob, unsupportedReasons }: Pick<typeof import('@fovea/automl'), 'parseJob' | 'unsupportedReasons'>,
  text: string,
  { file, set }: { file: string; set: readonly string[] },
): ReadJob {
  const { job, issues, source } = parseJob(text, { file, set, experimentName: basename(process.cwd()) });
  const unsupported = job === null ? [] : unsupportedReasons(job, source);
  return { job, issues: issues.concat(unsupported), sources: new Map([[file, text]]) };
}

/** The same with what is wrong with the data that the job names. Images are looked for, not opened. */
export async function withData(
  context: Context,
  options: WorkspaceOptions,
  read: ReadJob,
  baseFolder: string,
): Promise<ReadJob> {
  if (!read.job) return read;
  const { readJobData } = await context.services.automl();
  const found = await withRegisteredData(context, options, read.job).catch((error) => {
    if (!(error instanceof Error && error.name === 'Refusal')) throw error;
    const issue = { code: 'not-there', severity: 'error', file: 'the workspace', message: error.message } as const;
    return { issues: [issue], sources: new Map<string, string>() };
  });
  const { issues, sources } = 'issues' in found ? found : await readJobData(found, baseFolder);
  return { job: read.job, issues: read.issues.concat(issues), sources: new Map([...read.sources, ...sources]) };
}

/** Whether a job names a compute that was made here, and not one that means nothing. */
async function isNamedCompute({ services }: Context, options: WorkspaceOptions, job: ImageJob): Promise<boolean> {
  const isHere = options.server === undefined && (options.database !== undefined || existsSync(options.workspace));
  if (!isHere) return false;
  const { computeNameOf, openComputes } = await services.computes();
  const computes = await openComputes({ folder: resolve(options.workspace), ...databaseOf(options) });
  try {
    const name = computeNameOf(job.compute);
    return (await computes.list()).some((compute) => compute.name === name);
  } finally {
    await computes.close();
  }
}

/** Codes of what keeps a right job from running here and now. */
const ABSENT = new Set(['unsupported', 'not-there']);

/** The same job as a question of what is right alone: what this release cannot do yet, and data that is not here, are warnings. */
export function rightOrWrong(read: ReadJob): ReadJob {
  const issues = read.issues.map((issue) =>
    ABSENT.has(issue.code) ? { ...issue, severity: 'warning' as const } : issue,
  );
  return { ...read, issues };
}

/** The job, its warnings said unless `quiet`. @throws IssuesError with all of its problems */
export async function requireJob(
  { services, terminal }: Context,
  { job, issues, sources }: ReadJob,
  quiet: boolean,
): Promise<ImageJob> {
  if (job !== null && issues.length === 0) return job;
  const { IssuesError } = await services.data();
  const report = new IssuesError(issues, { sources });
  if (job === null || issues.some(({ severity }) => severity === 'error')) throw report;
  if (!quiet) terminal.err.write(`${printableLines(report.message)}\n`);
  return job;
}
