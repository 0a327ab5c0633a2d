import { basename, resolve } from 'node:path';
import { checkDataset, checkValidation, type Role } from './checks.ts';
import { classesOf, type Dataset, type ImageRecord, type LabelKind } from './dataset.ts';
import { withoutDoubles } from './doubles.ts';
import type { Issue, Sources } from './issue.ts';
import { labelReader } from './label-field.ts';
import type { Part } from './split-column.ts';
import { type RecordKind, readTableSets } from './table-sets.ts';

export interface ReadTableOptions {
  /** Name of the field with the class or the labels (`target_column_name`). Default `label`. */
  targetColumn?: string;
  /** Whether an image has one class or any number of labels. Default `multiclass`. */
  labelKind?: LabelKind;
  /** A training set needs ten images and two classes, a validation set one image. Default `training`. */
  role?: Role;
  /** Of a bare file with a column `split`, the rows of this part alone. Default: training, with validation beside it. */
  part?: Part;
}

/** Labelled images as they were read, and all that is wrong with them. */
export interface DataRead<Set = Dataset> {
  dataset: Set;
  /** Of the same source, where it says which images validate. */
  validation?: Set;
  /** Whether the source says which images are for training, validation and testing. */
  isSplit: boolean;
  /** Images that the source keeps for testing; they are in neither set. */
  testImages: number;
  issues: Issue[];
  /** Of the files that the issues point into. */
  sources: Sources;
}

/**
 * Reads annotations for classification: a folder with an MLTable file, or a bare JSONL, CSV or TSV file. Nothing is thrown
 * for what is wrong in them: every problem is an issue, and the dataset holds the records that are right.
 *
 * A bare file may call its `image_url` otherwise (`file`, `filename`, `image`, …), and may have a column `split` with
 * `train`, `val` and `test`: the rows for validation are a set of their own, those for testing are left out.
 */
export async function readTable(
  path: string,
  { targetColumn = 'label', labelKind = 'multiclass', role = 'training', part }: ReadTableOptions = {},
): Promise<DataRead> {
  const where = resolve(path);
  const { records, validation, issues, ...about } = await readTableSets(
    where,
    { targetColumn, part },
    classified(labelKind),
  );
  const setOf = (members: ImageRecord[]): Dataset => ({
    name: basename(where),
    classes: classesOf(members),
    records: members,
  });
  const dataset = setOf(records);
  const beside = validation && setOf(validation);
  // When lines are wrong, that there are too few right ones is only a consequence.
  const isRight = () => !issues.some((issue) => issue.severity === 'error');
  if (isRight()) issues.push(...checkDataset(dataset, { role, labelKind, where }));
  if (beside && isRight()) issues.push(...checkValidation(dataset, beside));
  return { ...about, dataset, ...(beside && { validation: beside }), issues };
}

/** Rows that give the class or the labels of a whole image. */
const classified = (labelKind: LabelKind): RecordKind<readonly string[], ImageRecord> => ({
  reader(values, column, form) {
    const read = labelReader(values, labelKind, form);
    return (value) => {
      const labels = read(value);
      if (!('code' in labels)) return { label: labels, problems: [] };
      const { code, message, hint } = labels;
      return { label: undefined, problems: [{ code, severity: 'error', message: `${column} ${message}`, hint }] };
    };
  },
  record: (image, labels) => ({ ...image, labels }),
  withoutDoubles: (records) => withoutDoubles(records, labelKind),
});
