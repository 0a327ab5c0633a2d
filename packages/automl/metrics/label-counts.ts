/** Decisions about one label, counted. */
export interface LabelCounts {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
}

/** A figure made of counts; 0 where the denominator is 0, as scikit-learn's zero_division=0. */
export type Measure = (counts: LabelCounts) => number;

export const precision: Measure = ({ tp, fp }) => ratio(tp, tp + fp);
export const recall: Measure = ({ tp, fn }) => ratio(tp, tp + fn);
export const f1: Measure = ({ tp, fp, fn }) => ratio(2 * tp, 2 * tp + fp + fn);
/** Intersection over union of the images predicted and those true. */
export const jaccard: Measure = ({ tp, fp, fn }) => ratio(tp, tp + fp + fn);

export const support = ({ tp, fn }: LabelCounts): number => tp + fn;

/** The labels that are true or predicted at least once. */
export const occurring = (counts: readonly LabelCounts[]): LabelCounts[] =>
  counts.filter(({ tp, fp, fn }) => tp + fp + fn > 0);

/** Counts of each class out of a confusion matrix [true][predicted]. */
export function classCounts(confusion: readonly (readonly number[])[]): LabelCounts[] {
  const predicted = new Array<number>(confusion.length).fill(0);
  let total = 0;
  for (const row of confusion) {
    for (const [column, count] of row.entries()) {
      predicted[column] += count;
      total += count;
    }
  }
  return confusion.map((row, index) => {
    const tp = row[index];
    const fp = predicted[index] - tp;
    const fn = row.reduce((sum, count) => sum + count, 0) - tp;
    return { tp, fp, fn, tn: total - tp - fp - fn };
  });
}

/** Plain mean over labels. */
export const macro = (counts: readonly LabelCounts[], measure: Measure): number => mean(counts.map(measure));

/** Mean over labels, weighted by how often each is true; 0 when none ever is. */
export function weighted(counts: readonly LabelCounts[], measure: Measure): number {
  const total = counts.reduce((sum, label) => sum + support(label), 0);
  return ratio(
    counts.reduce((sum, label) => sum + support(label) * measure(label), 0),
    total,
  );
}

/** The measure of all decisions together. */
export function micro(counts: readonly LabelCounts[], measure: Measure): number {
  const sum = { tp: 0, fp: 0, fn: 0, tn: 0 };
  for (const { tp, fp, fn, tn } of counts) {
    sum.tp += tp;
    sum.fp += fp;
    sum.fn += fn;
    sum.tn += tn;
  }
  return measure(sum);
}

/** precision_score_*, recall_score_* and f1_score_* in their three averages. */
export function averagedScores(counts: readonly LabelCounts[]): Record<string, number> {
  const scores: Record<string, number> = {};
  for (const [name, measure] of Object.entries({ f1_score: f1, precision_score: precision, recall_score: recall })) {
    scores[`${name}_macro`] = macro(counts, measure);
    scores[`${name}_micro`] = micro(counts, measure);
    scores[`${name}_weighted`] = weighted(counts, measure);
  }
  return scores;
}

export const mean = (values: readonly number[]): number =>
  ratio(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
