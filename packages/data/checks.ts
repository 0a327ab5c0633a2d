import type { ImageRecord, LabelKind } from './dataset.ts';
import { type Issue, shortPath } from './issue.ts';
import { didYouMean } from './nearest.ts';

/** Least number of images that a job is accepted with. */
export const FEWEST_IMAGES = 10;

export type Role = 'training' | 'validation';

/** What the checks look at: of images with objects, the labels are those of the objects, each once. */
export interface LabelledSet {
  readonly classes: readonly string[];
  readonly records: readonly Pick<ImageRecord, 'file' | 'labels' | 'source'>[];
}

/**
 * What makes a set unfit for training, or for validation (`role`), and what is odd about its labels.
 * @param options.where the file or folder that issues about the whole set name
 */
export function checkDataset(
  { records, classes }: LabelledSet,
  { role, labelKind, where }: { role: Role; labelKind: LabelKind | 'objects'; where: string },
): Issue[] {
  const issue = (severity: Issue['severity'], code: string, message: string, hint: string): Issue => ({
    code,
    severity,
    file: where,
    message,
    hint,
  });
  const wrong = issue.bind(null, 'error');
  if (records.length === 0)
    return [wrong('empty-set', 'there is no usable image in it', 'each record needs an image_url and a label')];
  if (role === 'validation') return [];
  const issues: Issue[] = [];
  if (records.length < FEWEST_IMAGES) {
    const images = records.length === 1 ? 'there is only 1 image' : `there are only ${records.length} images`;
    issues.push(wrong('too-few-images', images, `training needs at least ${FEWEST_IMAGES}, better 15 of each class`));
  }
  if (labelKind === 'multiclass') {
    if (classes.length === 1) {
      const message = `all images are of one class, "${classes[0]}"`;
      issues.push(wrong('one-class', message, 'a classifier needs at least two to tell apart'));
    }
  } else if (labelKind === 'objects') {
    if (classes.length === 0)
      issues.push(
        wrong('no-objects', 'no image has an object', 'label lists the objects of an image, each with its box'),
      );
  } else if (classes.length === 0) {
    issues.push(wrong('no-labels', 'no image has a label', 'a label is a list of names, as in ["cat", "dog"]'));
  } else {
    const counts = imagesOfClass(records);
    const everywhere = classes.filter((label) => counts.get(label) === records.length);
    if (everywhere.length === classes.length) {
      const message = `all images have the same ${classes.length === 1 ? 'label' : 'labels'}, ${quoted(classes)}`;
      issues.push(wrong('same-labels', message, 'there is nothing to tell apart: add images without them'));
    } else if (everywhere.length > 0) {
      const message = `every image has ${quoted(everywhere)}`;
      issues.push(issue('warning', 'label-everywhere', message, 'what all images have, a model cannot learn to see'));
    }
  }
  const pairs = alike(classes).map(([label, other]) => `"${label}" and "${other}"`);
  if (pairs.length > 0) {
    const more = pairs.length > 5 ? ` (and ${pairs.length - 5} more such pairs)` : '';
    const message = `${pairs.slice(0, 5).join(', ')}${more} are two classes`;
    issues.push(issue('warning', 'alike-classes', message, 'is one meant? they differ in case or blanks only'));
  }
  return issues;
}

/**
 * What is wrong between two sets: classes of the validation set that the training set has not (errors, one per class),
 * classes that no validation image has, and images that are in both (warnings).
 */
export function checkValidation(training: LabelledSet, validation: LabelledSet): Issue[] {
  const issues: Issue[] = [];
  const known = new Set(training.classes);
  const byClass = new Map<string, LabelledSet['records'][number][]>();
  for (const record of validation.records) {
    for (const label of record.labels) {
      const others = byClass.get(label);
      if (others) others.push(record);
      else byClass.set(label, [record]);
    }
  }
  for (const [label, records] of byClass) {
    if (known.has(label)) continue;
    const { source } = records[0];
    const more = records.length > 1 ? ` (${records.length} images)` : '';
    const message = `the class "${label}"${more} is not in the training data`;
    const hint = didYouMean(label, training.classes) ?? `its classes are ${training.classes.slice(0, 20).join(', ')}`;
    issues.push({ code: 'unknown-class', severity: 'error', ...source, message, hint });
  }
  const unseen = training.classes.filter((label) => !byClass.has(label));
  if (unseen.length > 0 && validation.records.length > 0) {
    const { file } = validation.records[0].source;
    const message = `no validation image has ${quoted(unseen)}`;
    issues.push({ code: 'class-not-validated', severity: 'warning', file, message, hint: 'metrics say nothing of it' });
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

/** How many images have each class. */
export function imagesOfClass(records: readonly Pick<ImageRecord, 'labels'>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { labels } of records) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** Pairs of names that only case or blanks tell apart. */
function alike(classes: readonly string[]): [string, string][] {
  const first = new Map<string, string>();
  return classes.flatMap((label): [string, string][] => {
    const plain = label.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
    const other = first.get(plain);
    if (other !== undefined) return [[other, label]];
    first.set(plain, label);
    return [];
  });
}

/** `"a", "b" and 3 more`. */
function quoted(labels: readonly string[]): string {
  const shown = labels
    .slice(0, 10)
    .map((label) => `"${label}"`)
    .join(', ');
  return labels.length > 10 ? `${shown} and ${labels.length - 10} more` : shown;
}
