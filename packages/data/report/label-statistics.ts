import { imagesOfClass } from '../checks.ts';
import type { Dataset, ImageRecord } from '../dataset.ts';

/** How many images a class has. */
export interface ClassCount {
  readonly name: string;
  readonly training: number;
  readonly validation: number;
}

/** How the labels of a multi-label set come together; of training and validation. */
export interface LabelStatistics {
  /** Mean number of labels of an image, and the same over the number of labels: Tsoumakas, Katakis, 2007, section 4.1. */
  readonly cardinality: number;
  readonly density: number;
  readonly images_without_labels: number;
  /** Images with 0, 1, 2, … labels. */
  readonly images_by_number_of_labels: readonly number[];
  /** Pairs of labels that come together, most often first. `share`: of the images that have the rarer of the two. */
  readonly pairs: readonly {
    readonly labels: readonly [string, string];
    readonly images: number;
    readonly share: number;
  }[];
}

/** In the order of the classes; those of the validation set alone come last. */
export function classCounts(training: Dataset, validation: Dataset | undefined): ClassCount[] {
  const [inTraining, inValidation] = [imagesOfClass(training.records), imagesOfClass(validation?.records ?? [])];
  const names = [...new Set([...training.classes, ...(validation?.classes ?? [])])];
  return names.map((name) => ({
    name,
    training: inTraining.get(name) ?? 0,
    validation: inValidation.get(name) ?? 0,
  }));
}

export function labelStatistics(records: readonly Pick<ImageRecord, 'labels'>[], classes: number): LabelStatistics {
  const counts = imagesOfClass(records);
  const byNumber: number[] = [];
  const pairs = new Map<string, Map<string, number>>();
  let labels = 0;
  for (const record of records) {
    const number = record.labels.length;
    labels += number;
    while (byNumber.length <= number) byNumber.push(0);
    byNumber[number]++;
    for (const [i, first] of record.labels.entries()) {
      const others = pairs.get(first) ?? new Map<string, number>();
      pairs.set(first, others);
      for (const second of record.labels.slice(i + 1)) others.set(second, (others.get(second) ?? 0) + 1);
    }
  }
  const cardinality = labels / Math.max(1, records.length);
  return {
    cardinality,
    density: cardinality / Math.max(1, classes),
    images_without_labels: byNumber[0] ?? 0,
    images_by_number_of_labels: byNumber,
    pairs: [...pairs]
      .flatMap(([first, others]) =>
        [...others].map(([second, images]) => {
          const rarer = Math.min(counts.get(first) ?? images, counts.get(second) ?? images);
          return { labels: [first, second] as const, images, share: images / rarer };
        }),
      )
      .sort((a, b) => b.images - a.images),
  };
}
