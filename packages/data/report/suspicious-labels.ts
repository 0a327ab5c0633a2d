/** What a trained model says of images. */
export interface ModelAnswers {
  /** For people: the job or folder that the model came from. */
  readonly model: string;
  /** The model's classes, in the order of its outputs. */
  readonly labels: readonly string[];
  /** By file: a probability for each class; they sum to 1, or are independent of each other for a multi-label set. */
  readonly probabilities: ReadonlyMap<string, readonly number[]>;
}

export interface JudgedImage {
  readonly file: string;
  readonly labels: readonly string[];
  readonly set: 'training' | 'validation';
}

/** A label that the model contradicts with confidence. */
export interface SuspiciousLabel<T> {
  readonly item: T;
  /** `other-class` in a multi-class set; else the label is missing, or is there and should not. */
  readonly kind: 'other-class' | 'missing-label' | 'extra-label';
  /** The label that is doubted: the image's own, or the one that it has not. */
  readonly label: string;
  /** What the model sees instead; of a multi-label set the same as `label`. */
  readonly suggested: string;
  /** That the model is right: of `suggested`, of the missing label, or that the extra one is not there. */
  readonly probability: number;
  /** That the label as it stands is right. */
  readonly probability_as_labelled: number;
}

export interface SuspiciousLabels<T> {
  readonly judged: number;
  /** Share of the images whose class the model names, or of all questions whether a label is there: a model that is often wrong proves little. */
  readonly agreement: number;
  /** Probability from which on the model counts as confident, by class; `absent` that it is not there (multi-label). */
  readonly thresholds: readonly { readonly label: string; readonly present: number; readonly absent?: number }[];
  /** The worst first. */
  readonly found: readonly SuspiciousLabel<T>[];
}

/** No probability below one half is confidence, and of a class without images nothing is known. */
const LEAST_THRESHOLD = 0.5;
const UNKNOWN_THRESHOLD = 0.9;

/** Images from which a mean says something. Those of validation were not learned by heart, so they are asked first. */
const ENOUGH = 10;

/**
 * Images whose label a trained model contradicts with confidence. The model is confident of a class when its probability is at
 * least the mean of those that it gives to the images labelled so: confident learning, Northcutt, Jiang, Chuang, "Confident
 * Learning: Estimating Uncertainty in Dataset Labels", JAIR 70 (2021), eq. 2. For a multi-label set each label is a question of
 * its own: Thyagarajan et al., "Identifying Incorrect Annotations in Multi-Label Classification Data", 2022.
 *
 * Images that the model does not answer, and labels that it does not know, are left out.
 */
export function suspiciousLabels<T extends JudgedImage>(
  images: readonly T[],
  { labels, probabilities }: ModelAnswers,
  isMultilabel: boolean,
): SuspiciousLabels<T> {
  const known = new Set(labels);
  const judged = images.flatMap((item) => {
    const answer = probabilities.get(item.file);
    return answer && item.labels.every((label) => known.has(label)) ? [{ item, answer }] : [];
  });
  const thresholds = labels.map((label, i) => {
    const has = ({ item }: { item: T }) => item.labels.includes(label);
    const present = meanOf(judged.filter(has), ({ answer }) => answer[i]);
    if (!isMultilabel) return { label, present };
    return {
      label,
      present,
      absent: meanOf(
        judged.filter((one) => !has(one)),
        ({ answer }) => 1 - answer[i],
      ),
    };
  });
  const doubt = isMultilabel ? doubtsOfLabels : doubtOfClass;
  const found = judged.flatMap(({ item, answer }) => doubt(item, answer, thresholds));
  const margin = (one: SuspiciousLabel<T>) => one.probability - one.probability_as_labelled;
  const agrees = ({ item, answer }: (typeof judged)[number]) =>
    isMultilabel
      ? answer.filter((probability, i) => probability >= 0.5 === item.labels.includes(labels[i])).length / labels.length
      : Number(item.labels[0] === labels[answer.indexOf(Math.max(...answer))]);
  const agreement = judged.reduce((sum, one) => sum + agrees(one), 0) / Math.max(1, judged.length);
  return { judged: judged.length, agreement, thresholds, found: found.sort((a, b) => margin(b) - margin(a)) };
}

type Threshold = SuspiciousLabels<unknown>['thresholds'][number];

function doubtOfClass<T extends JudgedImage>(
  item: T,
  answer: readonly number[],
  thresholds: readonly Threshold[],
): SuspiciousLabel<T>[] {
  const given = thresholds.findIndex(({ label }) => label === item.labels[0]);
  const confident = thresholds.flatMap(({ present }, i) => (answer[i] >= present ? [i] : []));
  const best = confident.reduce((a, b) => (answer[b] > answer[a] ? b : a), confident[0] ?? given);
  if (best === given || given < 0 || answer[best] <= answer[given]) return [];
  return [
    {
      item,
      kind: 'other-class',
      label: item.labels[0],
      suggested: thresholds[best].label,
      probability: answer[best],
      probability_as_labelled: answer[given],
    },
  ];
}

function doubtsOfLabels<T extends JudgedImage>(
  item: T,
  answer: readonly number[],
  thresholds: readonly Threshold[],
): SuspiciousLabel<T>[] {
  return thresholds.flatMap(({ label, present, absent = UNKNOWN_THRESHOLD }, i): SuspiciousLabel<T>[] => {
    const isGiven = item.labels.includes(label);
    const opposite = isGiven ? 1 - answer[i] : answer[i];
    if (opposite < (isGiven ? absent : present)) return [];
    const kind = isGiven ? 'extra-label' : 'missing-label';
    return [{ item, kind, label, suggested: label, probability: opposite, probability_as_labelled: 1 - opposite }];
  });
}

function meanOf<T extends { item: JudgedImage }>(members: readonly T[], probability: (member: T) => number): number {
  const validating = members.filter(({ item }) => item.set === 'validation');
  const asked = validating.length >= ENOUGH ? validating : members;
  if (asked.length === 0) return UNKNOWN_THRESHOLD;
  const mean = asked.reduce((sum, member) => sum + probability(member), 0) / asked.length;
  return Math.max(LEAST_THRESHOLD, mean);
}
