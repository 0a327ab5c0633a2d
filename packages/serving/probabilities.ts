import type { ClassificationTask } from '@fovea/automl/model-folder';

/** What makes probabilities of a network's outputs for an image. */
export function probabilitiesOf(task: ClassificationTask): (logits: ArrayLike<number>) => number[] {
  return task === 'image_classification_multilabel' ? sigmoid : softmax;
}

/** Probabilities of classes that exclude each other: they sum to 1. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = values.map((logit) => Math.exp(logit - max));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}

/** Probabilities of classes that do not depend on each other. */
export function sigmoid(logits: ArrayLike<number>): number[] {
  return Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
}
