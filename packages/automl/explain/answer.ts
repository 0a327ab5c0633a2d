import type { ClassificationTask } from '../model-folder/layout.ts';
import type { Explanation } from './explain.ts';
import type { XaiParameters } from './parameters.ts';

/** `[3][size][size]` */
export type NestedAttributions = number[][][];

/** What an answer of scoring has besides probabilities and labels where an explanation was asked for. */
export interface ExplanationAnswer {
  /** PNG in base64: of a multi-label model one for each explained class, in the order of the classes. */
  visualizations?: string | string[];
  attributions?: NestedAttributions | NestedAttributions[];
}

/** Explanations in the form of scoring's answers, with what was asked for. */
export function explanationAnswer(
  task: ClassificationTask,
  explanations: readonly Explanation[],
  { visualizations, attributions }: XaiParameters,
): ExplanationAnswer {
  const asTask = <T>(all: T[]): T | T[] => (task === 'image_classification_multilabel' ? all : all[0]);
  const answer: ExplanationAnswer = {};
  if (visualizations) {
    answer.visualizations = asTask(
      explanations.map(({ visualization }) => Buffer.from(visualization ?? []).toString('base64')),
    );
  }
  if (attributions) answer.attributions = asTask(explanations.map((each) => nested(each.attributions)));
  return answer;
}

function nested(attributions: Float32Array): NestedAttributions {
  const size = Math.sqrt(attributions.length / 3);
  const row = (start: number) => Array.from(attributions.subarray(start, start + size));
  return [0, 1, 2].map((channel) => Array.from({ length: size }, (_, y) => row((channel * size + y) * size)));
}
