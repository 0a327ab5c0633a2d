import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { ImageJob } from '@fovea/automl';
import type { Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { printableLines } from './printable.ts';

type Parsed = ReturnType<typeof import('@fovea/automl').parseJob>;
type Issue = Parsed['issues'][number];

/** A job file as it was read: the job, unless a problem stands in its way, and all that is to be said about it. */
export interface ReadJob {
  readonly job: ImageJob | null;
  readonly issues: readonly Issue[];
  /** Texts of the files that issues point into. */
  readonly sources: ReadonlyMap<string, string | { readonly lines: number }>;
}

/** Reads and checks a job file. @throws CommandFailure when there is no such file */
export async function readJobFile({ services }: Context, file: string, set: readonly string[]): Promise<ReadJob> {
  const [text, automl] = await Promise.all([textOf(file), services.automl()]);
  return checkedJob(automl, text, { file, set });
}

/** The job of a text, or what keeps this release from running it. */
export function checkedJob(
  { parseJob, unsupportedReasons }: Pick<typeof import('@fovea/automl'), 'parseJob' | 'unsupportedReasons'>,
  text: string,
  { file, set }: { file: string; set: readonly string[] },
): ReadJob {
  const { job, issues, source } = parseJob(text, { file, set, experimentName: basename(process.cwd()) });
  const unsupported = job === null ? [] : unsupportedReasons(job, source);
  const blocked = unsupported.some(({ severity }) => severity === 'error');
  return { job: blocked ? null : job, issues: [...issues, ...unsupported], sources: new Map([[file, text]]) };
}

/** The job, its warnings said. @throws IssuesError with all of its problems */
export async function requireJob(
  { services, terminal }: Context,
  { job, issues, sources }: ReadJob,
  quiet: boolean,
): Promise<ImageJob> {
  if (job !== null && issues.length === 0) return job;
  const { IssuesError } = await services.data();
  const report = new IssuesError(issues, { sources });
  if (job === null) throw report;
  if (!quiet) terminal.err.write(`${printableLines(report.message)}\n`);
  return job;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CommandFailure(`${file} is not there`, { hint: `it would be ${resolve(file)}` });
    if (code === 'EISDIR') {
      throw new CommandFailure(`${file} is a folder, not a job file`, {
        hint: `for a folder of pictures: fovea train ${file}`,
      });
    }
    throw new CommandFailure(`${file} cannot be read: ${message}`);
  }
}
