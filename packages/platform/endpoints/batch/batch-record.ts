import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../place.ts';
import { ended, type JobListRow, type JobRow, type Status } from '../../store/index.ts';
import { batchPaths, batchSettingOf, batchSpecOf, resultNames } from './batch-job.ts';
import { type BatchProgress, readProgress } from './batch-progress.ts';

/** How far a job that scores pictures is. Keys as people write them. */
export interface BatchCounts {
  /** Of the input; null when the job's files are on another machine. */
  readonly files: number | null;
  /** Scored, or failed for good. */
  readonly done: number;
  readonly failed: number;
}

/** What is known of a job that scores pictures beside what every job has. */
export interface BatchFacts extends BatchCounts {
  readonly endpoint: string;
  readonly deployment: string;
  /** `azureml:name:version`. */
  readonly model: string;
  readonly input: string;
  /** What is explained; null: what rows of the input ask for. */
  readonly explain: string | null;
  /** The table of results, and the same as JSON lines; null while they are not there. */
  readonly predictions: string | null;
  readonly predictions_jsonl: string | null;
  readonly summary: string | null;
  /** Where they are besides. */
  readonly output: string | null;
  readonly log: string;
}

/** What somebody who watches is told; null where the job's files are not. */
export const batchProgress = (place: Pick<Place, 'folder'>, job: string): BatchProgress | null =>
  readProgress(batchPaths(place, job).progress);

export function batchCounts(place: Pick<Place, 'folder'>, { name }: Pick<JobListRow, 'name'>): BatchCounts {
  const { files, done, failed } = batchProgress(place, name) ?? { files: null, done: 0, failed: 0 };
  return { files, done, failed };
}

export function batchFacts(place: Pick<Place, 'folder'>, row: JobRow): BatchFacts {
  const { endpoint, deployment, model, input, explain, settings } = batchSpecOf(row);
  const paths = batchPaths(place, row.name);
  const names = resultNames(settings.output_file_name);
  const hasEnded = (ended as readonly Status[]).includes(row.status);
  const there = (name: string): string | null => {
    const path = join(paths.results, name);
    return hasEnded && existsSync(path) ? path : null;
  };
  return {
    ...batchCounts(place, row),
    ...{ endpoint, deployment, model, input, explain },
    ...{ predictions: there(names.csv), predictions_jsonl: there(names.jsonl), summary: there(names.summary) },
    ...{ output: batchSettingOf(row).outputFolder, log: paths.log },
  };
}
