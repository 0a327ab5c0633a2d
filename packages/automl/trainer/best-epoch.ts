type Metrics = Readonly<Record<string, number>>;

/**
 * Whether the weights of an evaluation are to be kept rather than those of the best one so far: by the primary metric, and where that
 * is the same by a lower log loss. A few dozen validation images let an accuracy take few values, and an early epoch often reaches
 * the highest of them by luck; of epochs that are equal in it, the one with the lower log loss does better on other images.
 *
 * Early stopping does not ask this: only a better primary metric renews its patience.
 *
 * Where the primary metric is not measured (`validation_metric_type: none`), the last weights are kept.
 *
 * @param primaryMetric a name in both, maximised
 */
export function isBetterEpoch(metrics: Metrics, best: Metrics | null, primaryMetric: string): boolean {
  if (best === null || metrics[primaryMetric] === undefined) return true;
  const difference = metrics[primaryMetric] - best[primaryMetric];
  if (difference !== 0) return difference > 0;
  // Where no log loss is measured, as of detectors, the later of equals has learned more.
  return metrics.log_loss === undefined || metrics.log_loss < best.log_loss;
}
