import { basename, resolve } from 'node:path';
import { checkDataset, checkValidation, type LabelledSet, type Role } from '../checks.ts';
import { type Issue, shortPath } from '../issue.ts';
import type { Part } from '../split-column.ts';
import type { DataRead } from '../table.ts';
import { type RecordKind, readTableSets } from '../table-sets.ts';
import type { RepairOptions } from './geometry-problem.ts';
import { type ObjectTask, objectReader } from './object-field.ts';
import {
  type LabelledObject,
  labelsOf,
  type ObjectDataset,
  type ObjectRecord,
  objectClassesOf,
} from './object-record.ts';

export interface ReadObjectTableOptions {
  /** Name of the field with the objects (`target_column_name`). Default `label`. */
  targetColumn?: string;
  /** Detection needs a box of each object, segmentation its outline. Default `detection`. */
  task?: ObjectTask;
  /** A training set needs ten images and an object, a validation set one image. Default `training`. */
  role?: Role;
  /** Of a bare file with a column `split`, the rows of this part alone. Default: training, with validation beside it. */
  part?: Part;
  /** Absolute folder where images that are named without a folder are looked for, too. */
  imagesFolder?: string | undefined;
  /** Boxes and outlines that would be refused are mended where it is clear how; each is told. Default false. */
  repair?: boolean | undefined;
}

/**
 * Reads annotations of objects: a folder with an MLTable file, or a bare JSONL file. Nothing is thrown for what is wrong in
 * them: every problem is an issue with its file and line, and the dataset holds the records that are right.
 */
export async function readObjectTable(
  path: string,
  {
    targetColumn = 'label',
    task = 'detection',
    role = 'training',
    part,
    imagesFolder,
    repair,
  }: ReadObjectTableOptions = {},
): Promise<DataRead<ObjectDataset>> {
  const where = resolve(path);
  const { records, validation, issues, ...about } = await readTableSets(
    where,
    { targetColumn, part, imagesFolder },
    objects(task, { repair }),
  );
  const setOf = (members: ObjectRecord[]): ObjectDataset => ({
    name: basename(where),
    classes: objectClassesOf(members),
    records: members,
  });
  const dataset = setOf(records);
  const beside = validation && setOf(validation);
  // When lines are wrong, that there are too few right ones is only a consequence.
  const isRight = () => !issues.some((issue) => issue.severity === 'error');
  if (isRight()) issues.push(...checkObjects(dataset, { role, where }));
  if (beside && isRight()) issues.push(...checkObjectValidation(dataset, beside));
  return { ...about, dataset, ...(beside && { validation: beside }), issues };
}

/** What makes a set of objects unfit for training or validation, and what is odd about its labels; see `checkDataset`. */
export function checkObjects(set: ObjectDataset, { role, where }: { role: Role; where: string }): Issue[] {
  return checkDataset(labelled(set), { role, labelKind: 'objects', where });
}

/** What is wrong between two sets: classes that training has not (errors), images in both (warnings); see `checkValidation`. */
export function checkObjectValidation(training: ObjectDataset, validation: ObjectDataset): Issue[] {
  return checkValidation(labelled(training), labelled(validation));
}

const labelled = ({ classes, records }: ObjectDataset): LabelledSet => ({
  classes,
  records: records.map((record) => ({ file: record.file, source: record.source, labels: labelsOf(record) })),
});

/** Rows that give the objects of an image. */
const objects = (task: ObjectTask, repair: RepairOptions): RecordKind<LabelledObject[], ObjectRecord> => ({
  reader: (_, column, form) => objectReader(task, column, form, repair),
  record: (image, found) => ({ ...image, objects: found }),
  withoutDoubles: eachOnce,
});

/** Each image once. Twice with the same objects is odd, with others wrong: nobody knows whether they add up. */
export function eachOnce<T extends ObjectRecord>(found: readonly T[]): { records: T[]; issues: Issue[] } {
  const first = new Map<string, T>();
  const issues: Issue[] = [];
  for (const record of found) {
    const other = first.get(record.file);
    if (!other) {
      first.set(record.file, record);
      continue;
    }
    const { file, line } = other.source;
    const inLine = line === undefined ? '' : `line ${line}`;
    const place =
      file === record.source.file && inLine !== '' ? inLine : [shortPath(file), inLine].filter(Boolean).join(', ');
    const image = shortPath(record.file);
    const isSame = JSON.stringify(record.objects) === JSON.stringify(other.objects);
    issues.push({
      code: 'image-twice',
      severity: isSame ? 'warning' : 'error',
      ...record.source,
      message: isSame
        ? `${image} stands in ${place} already; it is used once`
        : `${image} has other objects here than in ${place}`,
      ...(!isSame && { hint: 'all objects of an image stand in one line' }),
    });
  }
  return { records: [...first.values()], issues };
}
