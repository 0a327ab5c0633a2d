import {
  checkObjectValidation,
  checkValidation,
  type DataRead,
  type ImageRecord,
  type Issue,
  type LabelKind,
  labelsOf,
  type ObjectRecord,
  type ObjectTask,
  type Part,
  type Role,
  readLabelledImages,
  readObjects,
  readObjectTable,
  readTable,
  splitObjects,
  stratifiedSplit,
  writeObjectTable,
  writeTable,
} from '@fovea/data';
import type { Task } from '../spec/tasks.ts';

/** What the records of all kinds of data have. */
export type JobImage = Pick<ImageRecord, 'file' | 'source' | 'width' | 'height' | 'bytes'>;

/** Images of one set, labelled in one way or another. */
export interface SetOf<R> {
  readonly name: string;
  readonly classes: readonly string[];
  readonly records: R[];
}

/** How the data of a job is read, split and kept: what differs between images with labels and images with objects. */
export interface DataKind<R extends JobImage> {
  /** Reads what a job names. Nothing is thrown for what is wrong there: every problem is an issue. */
  read(path: string, options: { targetColumn: string; role: Role; part?: Part }): Promise<DataRead<SetOf<R>>>;
  /** Writes records as an MLTable folder … */
  write(folder: string, records: readonly R[]): Promise<void>;
  /** … and reads them back. */
  readBack(folder: string): Promise<DataRead<SetOf<R>>>;
  /** Training and validation part. */
  split(records: readonly R[], part: number, seed: number): [R[], R[]];
  /** What is wrong between two sets. */
  compare(training: SetOf<R>, validation: SetOf<R>): Issue[];
  /** The classes of an image, each once. */
  labelsOf(record: R): readonly string[];
  /** All that was said of an image. */
  truthOf(record: R): unknown;
}

const labelledImages = (labelKind: LabelKind): DataKind<ImageRecord> => ({
  read: (path, options) => readLabelledImages(path, { labelKind, ...options }),
  write: async (folder, records) => writeTable(folder, records, labelKind),
  readBack: (folder) => readTable(folder, { labelKind, role: 'validation' }),
  split: stratifiedSplit,
  compare: checkValidation,
  labelsOf: ({ labels }) => labels,
  truthOf: ({ labels }) => labels,
});

const annotatedImages = (task: ObjectTask): DataKind<ObjectRecord> => ({
  read: (path, options) => readObjects(path, { task, ...options }),
  write: (folder, records) => writeObjectTable(folder, records),
  readBack: (folder) => readObjectTable(folder, { task, role: 'validation' }),
  split: splitObjects,
  compare: checkObjectValidation,
  labelsOf,
  truthOf: ({ objects }) => objects,
});

/** Images with boxes of objects, or with their outlines. */
export const imagesWithObjects = (task: Task): DataKind<ObjectRecord> =>
  annotatedImages(task === 'image_instance_segmentation' ? 'segmentation' : 'detection');

/** Images with one label each, or with any number of them. */
export const imagesWithLabels = (task: Task): DataKind<ImageRecord> => labelledImages(labelKindOf(task));

/** How many labels an image has in a classification task. */
function labelKindOf(task: Task): LabelKind {
  return task === 'image_classification_multilabel' ? 'multilabel' : 'multiclass';
}
