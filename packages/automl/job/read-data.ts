import { resolve } from 'node:path';
import type { ImageRecord, Issue, ObjectRecord, Sources } from '@fovea/data';
import type { DataInput, ImageJob } from '../spec/job.ts';
import { isClassification } from '../spec/tasks.ts';
import { type DataKind, imagesWithLabels, imagesWithObjects, type JobImage, type SetOf } from './data-kind.ts';

/** The images that the data paths of a job name. None of them has been opened yet. */
export interface JobDataRead<R extends JobImage = ImageRecord> {
  train: SetOf<R>;
  /** Given by the job, or by a `val/` beside `train/`. */
  validation: SetOf<R> | undefined;
  /** Images that the data itself keeps for testing; they are in neither set. */
  testImages: number;
  issues: Issue[];
  /** Of the files that the issues point into. */
  sources: Sources;
}

type NamesData = Pick<ImageJob, 'training_data' | 'validation_data' | 'target_column_name'>;

/** The data of a job, by what its images have. */
export type ReadJobData = ({ kind: 'labels' } & JobDataRead) | ({ kind: 'objects' } & JobDataRead<ObjectRecord>);

/**
 * Reads what `training_data` and `validation_data` of a job name: an MLTable folder, a JSONL, CSV or TSV file, for classification a
 * folder of class folders, for objects annotations in the layouts of COCO, Pascal VOC, YOLO, the VGG Image Annotator or pictures of
 * masks; for segmentation each object needs an outline there. Nothing is thrown for what is wrong there: every problem is an issue.
 *
 * @param baseFolder where relative paths begin: the job file's folder
 */
export async function readJobData(job: NamesData & Pick<ImageJob, 'task'>, baseFolder: string): Promise<ReadJobData> {
  return isClassification(job.task)
    ? { kind: 'labels', ...(await readSets(imagesWithLabels(job.task), job, baseFolder)) }
    : { kind: 'objects', ...(await readSets(imagesWithObjects(job.task), job, baseFolder)) };
}

/** The same for data of any kind. */
export async function readSets<R extends JobImage>(
  kind: DataKind<R>,
  job: NamesData,
  baseFolder: string,
): Promise<JobDataRead<R>> {
  const read = ({ path }: DataInput, options: Omit<Parameters<DataKind<R>['read']>[1], 'targetColumn'>) =>
    kind.read(resolve(baseFolder, path), { targetColumn: job.target_column_name, ...options });
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
    issues: isWrong ? alone : alone.concat(kind.compare(train, given.dataset)),
    sources: new Map([...training.sources, ...given.sources]),
  };
}
