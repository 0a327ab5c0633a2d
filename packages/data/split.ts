import { imagesOfClass } from './checks.ts';
import type { ImageRecord } from './dataset.ts';
import { iterativeSplit } from './iterative-split.ts';
import { createRng, type Rng } from './rng.ts';

/**
 * Splits records in two, so that each class keeps its share: `[training, validation]`, each in the order given.
 *
 * The validation part gets `round(fraction · n)` records where classes allow it; each class with two or more images has at
 * least one on either side, a class with one image stays in training. When every class has but one image, the validation
 * part is drawn from them all the same, so that with two or more records neither side is empty. With any number of labels
 * on a record the same holds as nearly as labels that come together allow; see `iterativeSplit`.
 *
 * @param fraction share of the validation part, in (0, 1); RangeError otherwise
 * @param seed the same seed gives the same split
 */
export function stratifiedSplit<T extends Pick<ImageRecord, 'labels'>>(
  records: readonly T[],
  fraction: number,
  seed: number,
): [T[], T[]] {
  if (!(fraction > 0 && fraction < 1))
    throw new RangeError(`the validation share must be between 0 and 1, not ${fraction}`);
  const rng = createRng(seed);
  const chosen = records.every(({ labels }) => labels.length === 1)
    ? byClass(records, fraction, rng)
    : byLabels(records, fraction, rng);
  if (chosen.size === 0 && records.length > 1) {
    const wanted = Math.min(records.length - 1, Math.max(1, Math.round(fraction * records.length)));
    const counts = imagesOfClass(records);
    const spared = records.filter(({ labels }) => labels.every((label) => counts.get(label) !== 1));
    const open = spared.length > 0 ? spared : [...records];
    for (const record of rng.shuffle(open).slice(0, wanted)) chosen.add(record);
  }
  return [records.filter((record) => !chosen.has(record)), records.filter((record) => chosen.has(record))];
}

/** The records that validate when each has one label. */
function byClass<T extends Pick<ImageRecord, 'labels'>>(records: readonly T[], fraction: number, rng: Rng): Set<T> {
  const groups = Map.groupBy(records, ({ labels }) => labels[0]);
  const classes = [...groups.keys()].sort().map((label) => groups.get(label) ?? []);
  const sizes = classes.map((members) => members.length);
  const quotas = validationQuotas(sizes, fraction, rng);
  return new Set(classes.flatMap((members, c) => rng.shuffle([...members]).slice(0, quotas[c])));
}

function byLabels<T extends Pick<ImageRecord, 'labels'>>(records: readonly T[], fraction: number, rng: Rng): Set<T> {
  const labels = records.map((record) => record.labels);
  const validates = iterativeSplit(labels, fraction, rng);
  return new Set(records.filter((_, index) => validates[index]));
}

/** How many of each class go to validation: largest remainders, inside the bounds of each class. */
function validationQuotas(sizes: number[], fraction: number, rng: Rng): number[] {
  const most = sizes.map((size) => Math.max(0, size - 1));
  const least = sizes.map((size) => (size > 1 ? 1 : 0));
  const quotas = sizes.map((size, c) => Math.min(most[c], Math.max(least[c], Math.floor(size * fraction))));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let missing = Math.round(total * fraction) - quotas.reduce((sum, quota) => sum + quota, 0);
  // Equal remainders would otherwise always favour the classes that come first in the alphabet.
  const order = rng.shuffle(sizes.map((_, c) => c));
  const shortfall = (c: number) => sizes[c] * fraction - quotas[c];
  while (missing !== 0) {
    const step = Math.sign(missing);
    const open = order.filter((c) => (step > 0 ? quotas[c] < most[c] : quotas[c] > least[c]));
    if (open.length === 0) break;
    const c = open.reduce((best, other) => ((shortfall(other) - shortfall(best)) * step > 0 ? other : best));
    quotas[c] += step;
    missing -= step;
  }
  return quotas;
}
