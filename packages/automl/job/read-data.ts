import { resolve } from 'node:path';
import {
  checkValidation,
  type Dataset,
  type Issue,
  type LabelKind,
  type LabelledImagesOptions,
  readLabelledImages,
  type Sources,
} from '@fovea/data';
import type { DataInput, ImageJob } from '../spec/job.ts';
import type { Task } from '../spec/tasks.ts';

/** The images that the data paths of a job name. None of them has been opened yet. */
export interface JobDataRead {
  train: Dataset;
  /** Given by the job, or by a `val/` beside `train/`. */
  validation: Dataset | undefined;
  /** Images that the data itself keeps for testing; they are in neither set. */
  testImages: number;
  issues: Issue[];
  /** Of the files that the issues point into. */
  sources: Sources;
}

/**
 * Reads what `training_data` and `validation_data` name: an MLTable folder, a JSONL, CSV or TSV file, or a folder of class folders.
 * Nothing is thrown for what is wrong there: every problem is an issue.
 *
 * @param baseFolder where relative paths begin: the job file's folder
 */
export async function readJobData(
  job: Pick<ImageJob, 'task' | 'training_data' | 'validation_data' | 'target_column_name'>,
  baseFolder: string,
): Promise<JobDataRead> {
  const read = ({ path }: DataInput, options: Pick<LabelledImagesOptions, 'role' | 'part'>) =>
    readLabelledImages(resolve(baseFolder, path), {
      labelKind: labelKindOf(job.task),
      targetColumn: job.target_column_name,
      ...options,
    });
  const { dataset: train, validation, testImages, ...training } = await read(job.training_data, { role: 'training' });
  if (job.validation_data === undefined) return { train, validation, testImages, ...training };
  const given = await read(job.validation_data, { role: 'validation', part: 'validation' });
  const alone = [...training.issues, ...given.issues];
  // Between sets of which one is wrong already, a comparison only makes noise.
  const isWrong = alone.some(({ severity }) => severity === 'error');
  return {
    train,
    validation: given.dataset,
    testImages,
    issues: isWrong ? alone : alone.concat(checkValidation(train, given.dataset)),
    sources: new Map([...training.sources, ...given.sources]),
  };
}

/** How many labels an image has in a classification task. */
export function labelKindOf(task: Task): LabelKind {
  return task === 'image_classification_multilabel' ? 'multilabel' : 'multiclass';
}
