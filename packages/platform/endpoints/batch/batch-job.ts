import { join } from 'node:path';
import { jobFolder } from '@fovea/automl/runs';
import type { XaiAlgorithm } from '@fovea/serving/instance';
import type { Place } from '../../place.ts';
import type { JobRow } from '../../store/index.ts';
import type { BatchSettings } from './batch-spec.ts';

/** Type of the jobs that score pictures. */
export const batchJobType = 'batch';

/** What a job that scores pictures is to do: `spec` of its row. */
export interface BatchJobSpec {
  readonly endpoint: string;
  readonly deployment: string;
  /** The version that answers: `azureml:name:version`. */
  readonly model: string;
  /** As it was given. */
  readonly input: string;
  /** Where the results go besides, as it was given; null: nowhere. */
  readonly output: string | null;
  /** What is explained of each answer; null: what the rows of the input ask for. */
  readonly explain: XaiAlgorithm | null;
  readonly instance_count: number;
  readonly settings: BatchSettings;
}

/** What its row keeps beside: `setting`. */
export interface BatchJobSetting {
  /** Of the workspace folder that has the job's files: `Place.id`. */
  readonly workspace: string;
  /** Variables of the process that submitted it, which mean something to its instances. */
  readonly environment: Record<string, string>;
  /** Absolute; the folder of the model. */
  readonly modelFolder: string;
  readonly task: string;
  /** Of the input. */
  readonly files: number;
  /** Absolute; null: the results stay in the job's folder. */
  readonly outputFolder: string | null;
  /** Processes that were started for it since a mini-batch was finished, and how many were finished then. */
  readonly tries: { readonly count: number; readonly finished: number };
}

export const batchSpecOf = ({ spec }: Pick<JobRow, 'spec'>) => spec as BatchJobSpec;
export const batchSettingOf = ({ setting }: Pick<JobRow, 'setting'>) => setting as BatchJobSetting;

/** Where a job that scores pictures has its files. */
export function batchPaths(place: Pick<Place, 'folder'>, job: string) {
  const folder = jobFolder(place.folder, job);
  return {
    folder,
    /** What is scored, in order: a line for each. */
    list: join(folder, 'input.jsonl'),
    /** Answers, a file for each mini-batch, while the job has not completed. */
    miniBatches: join(folder, 'mini-batches'),
    progress: join(folder, 'progress.json'),
    log: join(folder, 'logs', 'batch.log'),
    /** What the process that works on it had to say that nobody foresaw. */
    processLog: join(folder, 'logs', 'process.log'),
    logs: join(folder, 'logs'),
    results: join(folder, 'named-outputs', 'score'),
    explanations: join(folder, 'named-outputs', 'score', 'explanations'),
  };
}

export type BatchPaths = ReturnType<typeof batchPaths>;

export const summaryName = 'summary.json';

/** Names of the files of results, after `output_file_name`. */
export function resultNames(outputFileName: string): { csv: string; jsonl: string; summary: string } {
  const stem = outputFileName.replace(/\.(csv|jsonl)$/i, '');
  const csv = /\.jsonl$/i.test(outputFileName) ? `${stem}.csv` : outputFileName;
  return { csv, jsonl: `${stem}.jsonl`, summary: summaryName };
}
