import type { Evaluation } from './classification.ts';

/**
 * Accuracy, log loss and the confusion matrix, as scikit-learn defines them.
 * @param truth class indices [N]
 * @param probabilities [N][classes], rows that sum to 1
 */
export function classificationMetrics(
  truth: readonly number[],
  probabilities: readonly (readonly number[])[],
): Evaluation {
  const classes = probabilities[0].length;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let correct = 0;
  let logLoss = 0;
  for (const [i, row] of probabilities.entries()) {
    const predicted = row.indexOf(Math.max(...row));
    confusion[truth[i]][predicted]++;
    if (predicted === truth[i]) correct++;
    // A probability of exactly 0 would make the mean infinite; scikit-learn cuts off at float precision, too.
    logLoss -= Math.log(Math.max(row[truth[i]], Number.EPSILON));
  }
  return { metrics: { accuracy: correct / truth.length, log_loss: logLoss / truth.length }, confusion };
}
