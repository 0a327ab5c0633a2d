import { maxPoints, thinnedForPrecisionRecall } from '../curve-points.ts';
import { precisionRecallCurve } from '../ranking-curves.ts';
import type { ScoreRanking } from '../score-ranking.ts';
import type { ConfusionMatrix, PrecisionRecallCurves, PrecisionRecallPoints, Table } from '../table-schema.ts';
import { detectionConfusion } from './detection-confusion.ts';
import { type DetectionMetricOptions, labelMetrics, withScoresAbove } from './detection-metrics.ts';
import { checkRecords, type DetectionRecords } from './detection-records.ts';
import { byFallingScore, inGivenOrder } from './record-order.ts';
import { evaluateVoc, type VocCategory } from './voc-evaluation.ts';

/** The name of the last row and column of the confusion matrix: no object, and no detection. */
export const BACKGROUND = 'background';

/** One row a class. */
export interface PerLabelMetrics {
  class_labels: readonly string[];
  columns: readonly ['average_precision', 'precision', 'recall', 'objects', 'detections'];
  /** [class][column]; null where undefined. */
  matrix: (number | null)[][];
  iou_threshold: number;
}

/** What is written for the best epoch of a model that finds objects, each table as a file of its name. */
export type DetectionTables = {
  per_label_metrics: Table<PerLabelMetrics>;
  /** Recall is of all objects, so curves may end below 1. `micro`: the detections of all classes together. */
  precision_recall_curve: Table<PrecisionRecallCurves & { iou_threshold: number }>;
  /** With `background` as the last class. */
  confusion_matrix: Table<ConfusionMatrix & { iou_threshold: number }>;
};

/**
 * The tables of a model that finds objects, at one overlap (Pascal VOC's rules).
 *
 * @param classes names in the order of their indices
 * @throws RangeError when the records do not fit each other
 */
export function detectionTables(
  records: DetectionRecords,
  classes: readonly string[],
  options: Omit<DetectionMetricOptions, 'type'> = {},
): DetectionTables {
  const { kind = 'bbox', iouThreshold = 0.5, scoreThreshold } = options;
  checkRecords(records, kind);
  const looked = scoreThreshold === undefined ? records : withScoresAbove(records, scoreThreshold);
  const found = evaluateVoc(looked, { kind, iouThreshold });
  const most = maxPoints(classes.length);
  const curve = (categories: readonly VocCategory[]) => precisionRecallPoints(rankingOf(categories), most);
  return {
    per_label_metrics: table('per_label_metrics', {
      class_labels: classes,
      columns: ['average_precision', 'precision', 'recall', 'objects', 'detections'],
      matrix: labelMetrics(found, classes).map((each) => [
        each.averagePrecision,
        each.precision,
        each.recall,
        each.objects,
        each.detections,
      ]),
      iou_threshold: iouThreshold,
    }),
    precision_recall_curve: table('precision_recall_curve', {
      class_labels: classes,
      max_points: most,
      curves: found.map((category) => curve([category])),
      micro: curve(found),
      iou_threshold: iouThreshold,
    }),
    confusion_matrix: table('confusion_matrix', {
      class_labels: [...classes, BACKGROUND],
      matrix: detectionConfusion(looked, { kind, iouThreshold }),
      iou_threshold: iouThreshold,
    }),
  };
}

const table = <Data>(schema_type: string, data: Data): Table<Data> => ({ schema_type, schema_version: '1.0.0', data });

/** Right and wrong detections at or above each score that occurs; those on crowds are neither. */
function rankingOf(categories: readonly VocCategory[]): ScoreRanking {
  const scores = joined(categories.map((category) => category.scores));
  const right = joined(categories.map((category) => category.truePositives));
  const wrong = joined(categories.map((category) => category.falsePositives));
  const thresholds: number[] = [];
  const truePositives: number[] = [];
  const falsePositives: number[] = [];
  let [rights, wrongs] = [0, 0];
  for (const i of byFallingScore(scores, inGivenOrder(scores.length))) {
    if (right[i] + wrong[i] === 0) continue;
    rights += right[i];
    wrongs += wrong[i];
    // The last of equal scores tells what is found from that score on.
    const place = thresholds.at(-1) === scores[i] ? thresholds.length - 1 : thresholds.length;
    thresholds[place] = scores[i];
    truePositives[place] = rights;
    falsePositives[place] = wrongs;
  }
  return {
    positives: categories.reduce((sum, { positives }) => sum + positives, 0),
    negatives: wrongs,
    thresholds: Float64Array.from(thresholds),
    truePositives: Uint32Array.from(truePositives),
    falsePositives: Uint32Array.from(falsePositives),
  };
}

function joined(lists: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

function precisionRecallPoints(ranking: ScoreRanking, most: number): PrecisionRecallPoints | null {
  const curve = precisionRecallCurve(thinnedForPrecisionRecall(ranking, most - 1));
  return (
    curve && {
      precision: curve.precision.map(rounded),
      recall: curve.recall.map(rounded),
      thresholds: curve.thresholds.map((score) => score && rounded(score)),
    }
  );
}

/** Nine digits: more would be noise of the arithmetic, at twice the size. */
const rounded = (value: number): number => Number(value.toPrecision(9));
