import { readFileSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@fovea/automl/runs';
import { type BatchPaths, resultNames, summaryName } from './batch-job.ts';
import { isFailure, type KeptResults } from './kept-results.ts';
import { resultForm } from './result-rows.ts';
import { WholeFile } from './whole-file.ts';

/** What became of a job's pictures: `summary.json`. */
export interface BatchSummary {
  readonly files: number;
  readonly scored: number;
  readonly failed: number;
  /** Answers of each class; of detectors, objects. Most frequent first. */
  readonly labels: Readonly<Record<string, number>>;
  /** That the job was worked on. */
  readonly seconds: number;
  readonly images_per_second: number;
  /** Of the first failures. */
  readonly errors: readonly { readonly file: string; readonly error: string }[];
}

export interface ResultsOptions {
  readonly paths: BatchPaths;
  readonly kept: KeptResults;
  readonly files: number;
  readonly task: string;
  readonly seconds: number;
  readonly outputFileName: string;
  /** Rows are written, and not the summary alone. */
  readonly hasRows: boolean;
}

const shownErrors = 10;

/** Puts the results of all finished mini-batches together, in the order of the input. Each file is written whole. */
export async function writeResults({ paths, kept, task, hasRows, ...options }: ResultsOptions): Promise<BatchSummary> {
  await mkdir(paths.results, { recursive: true });
  const names = resultNames(options.outputFileName);
  const form = resultForm(task);
  const csv = hasRows ? new WholeFile(join(paths.results, names.csv)) : null;
  const jsonl = hasRows ? new WholeFile(join(paths.results, names.jsonl)) : null;
  await csv?.write(form.header);
  const labels = new Map<string, number>();
  const errors: { file: string; error: string }[] = [];
  let [scored, failed] = [0, 0];
  for (const number of kept.numbers()) {
    for (const result of kept.read(number) ?? []) {
      if (isFailure(result)) {
        failed++;
        if (errors.length < shownErrors) errors.push(result);
      } else scored++;
      for (const label of form.labels(result)) labels.set(label, (labels.get(label) ?? 0) + 1);
      await csv?.write(form.row(result));
      await jsonl?.write(`${JSON.stringify(result)}\n`);
    }
  }
  await csv?.close();
  await jsonl?.close();
  const { files } = options;
  const seconds = Math.round(options.seconds * 100) / 100;
  const rate = seconds > 0 ? Math.round((10 * scored) / seconds) / 10 : 0;
  const summary: BatchSummary = {
    ...{ files, scored, failed },
    labels: Object.fromEntries([...labels].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    ...{ seconds, images_per_second: rate, errors },
  };
  await replaceFile(join(paths.results, names.summary), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

/** What `writeResults` said of a job's pictures; null where it did not. */
export function readSummary({ results }: Pick<BatchPaths, 'results'>): BatchSummary | null {
  try {
    return JSON.parse(readFileSync(join(results, summaryName), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Copies results to where they are wanted besides; each file is there when it is whole. */
export async function copyResults(from: string, to: string, names: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of names) {
    const target = join(to, name);
    const temporary = `${target}.${process.pid}.tmp`;
    try {
      await mkdir(join(target, '..'), { recursive: true });
      await copyFile(join(from, name), temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw new Error(`the results cannot be written to ${to}: ${(error as Error).message}; they are in ${from}`, {
        cause: error,
      });
    }
  }
}
