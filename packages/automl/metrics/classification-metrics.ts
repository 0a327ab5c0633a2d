import { averagedScores, classCounts, macro, occurring, recall, support } from './label-counts.ts';
import { type ClassPredictions, classScores, type MetricValues } from './predictions.ts';
import { averagedRankingScores, rankingScores } from './score-metrics.ts';

/**
 * All metrics of a model that chooses one class, under their Azure names and with scikit-learn's definitions. Two classes are
 * treated like any number of them: there is no positive class. Precision, recall and F1 are averaged over the classes that occur
 * among the true or predicted ones; `balanced_accuracy` over the true ones.
 *
 * @throws RangeError when the parts do not fit each other or a probability is not finite
 */
export function classificationMetrics(predictions: ClassPredictions): MetricValues {
  const scores = classScores(predictions);
  const confusion = confusionMatrix(predictions);
  const counts = classCounts(confusion);
  const averaged = averagedScores(occurring(counts));
  return {
    accuracy: accuracy(confusion),
    balanced_accuracy: macro(
      counts.filter((label) => support(label) > 0),
      recall,
    ),
    weighted_accuracy: weightedAccuracy(confusion),
    ...averagedRankingScores(rankingScores(scores)),
    ...averaged,
    log_loss: logLoss(predictions),
    matthews_correlation: matthewsCorrelation(confusion),
    norm_macro_recall: normMacroRecall(averaged.recall_score_macro, predictions.classes.length),
  };
}

/** The most probable class of each image; the first of equals. */
export function predictedClasses({ probabilities }: ClassPredictions): number[] {
  return probabilities.map((row) => {
    let best = 0;
    for (let index = 1; index < row.length; index++) if (row[index] > row[best]) best = index;
    return best;
  });
}

/** [i][j]: images of class i that were taken for class j. */
export function confusionMatrix(predictions: ClassPredictions): number[][] {
  const size = predictions.classes.length;
  const matrix = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const [i, predicted] of predictedClasses(predictions).entries()) matrix[predictions.truth[i]][predicted]++;
  return matrix;
}

function accuracy(confusion: readonly (readonly number[])[]): number {
  let correct = 0;
  let total = 0;
  for (const [index, row] of confusion.entries()) {
    correct += row[index];
    total += sum(row);
  }
  return correct / total;
}

/** Accuracy in which an image weighs as much as its class has images: Σ n_c · correct_c / Σ n_c². */
function weightedAccuracy(confusion: readonly (readonly number[])[]): number {
  let correct = 0;
  let total = 0;
  for (const [index, row] of confusion.entries()) {
    const count = sum(row);
    correct += count * row[index];
    total += count * count;
  }
  return correct / total;
}

/**
 * Mean of −ln p(true class), probabilities clipped to [epsilon, 1 − epsilon] and each row then made to sum to 1 again.
 * @param epsilon scikit-learn 1.2 takes that of the number type, earlier versions 1e-15
 */
export function logLoss({ truth, probabilities }: ClassPredictions, epsilon: number = Number.EPSILON): number {
  const clip = (probability: number): number => Math.min(Math.max(probability, epsilon), 1 - epsilon);
  let total = 0;
  for (const [i, row] of probabilities.entries()) {
    let whole = 0;
    for (let index = 0; index < row.length; index++) whole += clip(row[index]);
    total -= Math.log(clip(row[truth[i]]) / whole);
  }
  return total / truth.length;
}

/** Share of the images whose true class is among the k most probable; of equals the first come first, as in the prediction. */
export function topAccuracy({ truth, probabilities }: ClassPredictions, k: number): number {
  let hits = 0;
  for (const [i, row] of probabilities.entries()) {
    let before = 0;
    for (let index = 0; index < row.length; index++) {
      if (row[index] > row[truth[i]] || (row[index] === row[truth[i]] && index < truth[i])) before++;
    }
    if (before < k) hits++;
  }
  return hits / truth.length;
}

/** R_K for any number of classes (Gorodkin 2004); 0 when the truth or the prediction is one class throughout. */
function matthewsCorrelation(confusion: readonly (readonly number[])[]): number {
  let correct = 0;
  let total = 0;
  let [products, trueSquares, predictedSquares] = [0, 0, 0];
  for (const [index, row] of confusion.entries()) {
    const actual = sum(row);
    const predicted = confusion.reduce((column, other) => column + other[index], 0);
    correct += row[index];
    total += actual;
    products += actual * predicted;
    trueSquares += actual * actual;
    predictedSquares += predicted * predicted;
  }
  const denominator = Math.sqrt((total * total - trueSquares) * (total * total - predictedSquares));
  return denominator === 0 ? 0 : (correct * total - products) / denominator;
}

/**
 * (recall − R) / (1 − R), where R is the recall that guessing reaches: 0 for guessing, 1 for perfection, negative below guessing.
 * @param choices classes to guess among
 * @returns null when there is only one
 */
export function normMacroRecall(macroRecall: number, choices: number): number | null {
  if (choices < 2) return null;
  const guessing = 1 / choices;
  return (macroRecall - guessing) / (1 - guessing);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
