import {
  type ClassificationReport,
  classificationMetrics,
  classificationTables,
  type EvaluationTables,
  type MetricValues,
  multilabelMetrics,
  multilabelTables,
} from '@fovea/automl/metrics';
import type { ImageRecord } from '@fovea/data';
import type { Model, PredictionFailure } from './load-model.ts';

/** How good a model's answers on labelled images are. */
export interface Evaluation {
  /** Images that were judged. */
  images: number;
  /** By their Azure names; null where a metric is not defined for these images. */
  metrics: MetricValues;
  /** Precision, recall and the like of each class, in Azure's schema. */
  report: ClassificationReport;
  confusionMatrix: EvaluationTables['confusion_matrix']['data'];
  /** Images that could not be read; they count nowhere. */
  failures: (PredictionFailure & { file: string })[];
}

/** Images between two calls of `onProgress`. */
const together = 64;

/**
 * Runs a model over labelled images and judges its answers.
 *
 * @param records their labels are among those of the model
 * @throws RangeError when a record has another label, when one of a multi-class model has not exactly one, or when no image can be read
 */
export async function evaluate(
  model: Model,
  records: readonly Pick<ImageRecord, 'file' | 'labels'>[],
  { onProgress, signal }: { onProgress?: (done: number, total: number) => void; signal?: AbortSignal } = {},
): Promise<Evaluation> {
  const judged: { labels: readonly string[]; probs: number[] }[] = [];
  const failures: Evaluation['failures'] = [];
  for (let start = 0; start < records.length; start += together) {
    const some = records.slice(start, start + together);
    const answers = await model.predict(
      some.map(({ file }) => file),
      signal && { signal },
    );
    for (const [i, answer] of answers.entries()) {
      if ('error' in answer) failures.push({ file: some[i].file, error: answer.error });
      else judged.push({ labels: some[i].labels, probs: answer.probs });
    }
    onProgress?.(start + some.length, records.length);
  }
  if (judged.length === 0) throw new RangeError('there is no image that can be read, so there is nothing to judge');
  const { metrics, tables } = judge(model, judged);
  return {
    images: judged.length,
    metrics,
    report: tables.classification_report.data,
    confusionMatrix: tables.confusion_matrix.data,
    failures,
  };
}

function judge(
  { task, labels }: Pick<Model, 'task' | 'labels'>,
  judged: readonly { labels: readonly string[]; probs: number[] }[],
): { metrics: MetricValues; tables: EvaluationTables } {
  const indexOf = (label: string) => {
    const index = labels.indexOf(label);
    if (index < 0) throw new RangeError(`"${label}" is not a label of the model`);
    return index;
  };
  const probabilities = judged.map(({ probs }) => probs);
  if (task === 'image_classification_multilabel') {
    const truth = judged.map((image) => {
      const indices = new Set(image.labels.map(indexOf));
      return labels.map((_, index) => (indices.has(index) ? 1 : 0));
    });
    const predictions = { truth, scores: probabilities, labels };
    return { metrics: multilabelMetrics(predictions), tables: multilabelTables(predictions) };
  }
  const truth = judged.map((image) => {
    if (image.labels.length !== 1)
      throw new RangeError(`an image has ${image.labels.length} labels; this model gives one`);
    return indexOf(image.labels[0]);
  });
  const predictions = { truth, probabilities, classes: labels };
  return { metrics: classificationMetrics(predictions), tables: classificationTables(predictions) };
}
