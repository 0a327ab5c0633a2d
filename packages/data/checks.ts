import type { Dataset } from './dataset.ts';
import { type Issue, shortPath } from './issue.ts';
import { didYouMean } from './nearest.ts';

/** Least number of images that a job is accepted with. */
export const FEWEST_IMAGES = 10;

/**
 * What makes a set unfit for training, or for validation (`role`).
 * @param where the file or folder that issues about the whole set name
 */
export function checkDataset(
  { records, classes }: Pick<Dataset, 'records' | 'classes'>,
  role: Role,
  where: string,
): Issue[] {
  const wrong = (code: string, message: string, hint: string): Issue => ({
    code,
    severity: 'error',
    file: where,
    message,
    hint,
  });
  if (records.length === 0)
    return [wrong('empty-set', 'there is no usable image in it', 'each record needs an image_url and a label')];
  if (role === 'validation') return [];
  const issues: Issue[] = [];
  if (records.length < FEWEST_IMAGES) {
    const images = records.length === 1 ? 'there is only 1 image' : `there are only ${records.length} images`;
    issues.push(wrong('too-few-images', images, `training needs at least ${FEWEST_IMAGES}, better 15 of each class`));
  }
  if (classes.length === 1) {
    issues.push(
      wrong(
        'one-class',
        `all images are of one class, "${classes[0]}"`,
        'a classifier needs at least two to tell apart',
      ),
    );
  }
  return issues;
}

export type Role = 'training' | 'validation';

/**
 * What is wrong between two sets: classes of the validation set that the training set has not (errors, one per class), and
 * images that are in both (warnings).
 */
export function checkValidation(training: Dataset, validation: Dataset): Issue[] {
  const issues: Issue[] = [];
  const known = new Set(training.classes);
  for (const [label, records] of Map.groupBy(validation.records, ({ labels }) => labels[0])) {
    if (known.has(label)) continue;
    const { source } = records[0];
    const more = records.length > 1 ? ` (${records.length} images)` : '';
    const message = `the class "${label}"${more} is not in the training data`;
    const hint = didYouMean(label, training.classes) ?? `its classes are ${training.classes.slice(0, 20).join(', ')}`;
    issues.push({ code: 'unknown-class', severity: 'error', ...source, message, hint });
  }
  const trained = new Set(training.records.map((record) => record.file));
  for (const { file, source } of validation.records) {
    if (!trained.has(file)) continue;
    const message = `${shortPath(file)} is in the training data, too`;
    issues.push({
      code: 'in-both-sets',
      severity: 'warning',
      ...source,
      message,
      hint: 'metrics will look better than they are',
    });
  }
  return issues;
}
