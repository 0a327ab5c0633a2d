import { stratifiedSplit } from '../split.ts';
import { labelsOf, type ObjectRecord } from './object-record.ts';

/**
 * Splits images with objects in two, so that each label keeps its share of images on either side, images without objects
 * included: `[training, validation]`, each in the order given. As `stratifiedSplit` does it with the set of labels of an image.
 * @param fraction share of the validation part, in (0, 1); RangeError otherwise
 * @param seed the same seed gives the same split
 */
export function splitObjects<T extends Pick<ObjectRecord, 'objects'>>(
  records: readonly T[],
  fraction: number,
  seed: number,
): [T[], T[]] {
  const members = records.map((record) => ({ record, labels: labelsOf(record) }));
  const [training, validation] = stratifiedSplit(members, fraction, seed);
  return [training.map(({ record }) => record), validation.map(({ record }) => record)];
}
