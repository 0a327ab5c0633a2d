import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classificationMetrics } from './classification-metrics.ts';
import { classificationTables, multilabelTables } from './evaluation-tables.ts';

/** Deterministic and spread over 0..1. */
const spread = (index: number): number => ((index * 7919) % 1009) / 1009;

/** Predictions that are right more often than not. */
function predictions(images: number, classes: number) {
  const truth = Array.from({ length: images }, (_, i) => Math.floor(spread(i + 1) * classes));
  const probabilities = truth.map((index, i) => {
    const row = Array.from({ length: classes }, (_, c) => spread(i * classes + c + 3) + (c === index ? 0.4 : 0));
    const sum = row.reduce((total, value) => total + value, 0);
    return row.map((value) => value / sum);
  });
  return { truth, probabilities, classes: Array.from({ length: classes }, (_, c) => `class ${c}`) };
}

describe('the tables of the best epoch', () => {
  const given = predictions(300, 3);
  const tables = classificationTables(given);

  test('name their schema', () => {
    for (const [name, { schema_type, schema_version }] of Object.entries(tables)) {
      assert.equal(schema_type, name);
      assert.match(schema_version, /^1\.0\.\d$/);
    }
  });

  test('are JSON without loss', () => assert.deepEqual(JSON.parse(JSON.stringify(tables)), tables));

  test('hold in the accuracy table every image at every threshold', () => {
    const { probability_tables, percentile_tables, probability_thresholds, percentile_thresholds } =
      tables.accuracy_table.data;
    assert.equal(probability_thresholds.length, 100);
    assert.equal(percentile_thresholds.length, 100);
    assert.deepEqual([probability_thresholds[0], probability_thresholds[99]], [0, 1]);
    const scores = given.probabilities.flat().sort((a, b) => a - b);
    assert.deepEqual([percentile_thresholds[0], percentile_thresholds[99]], [scores[0], scores[899]]);
    // numpy.percentile(scores, 100 / 99)
    assert.ok(Math.abs(percentile_thresholds[1] - (scores[9] + (scores[10] - scores[9]) * (899 / 99 - 9))) < 1e-12);
    for (const table of [probability_tables, percentile_tables]) {
      for (const [c, ofClass] of table.entries()) {
        const positives = given.truth.filter((index) => index === c).length;
        for (const [tp, fp, tn, fn] of ofClass) {
          assert.equal(tp + fn, positives);
          assert.equal(fp + tn, 300 - positives);
        }
        assert.deepEqual(ofClass[0], [positives, 300 - positives, 0, 0]);
      }
    }
  });

  test('report the averages that the metrics have', () => {
    const metrics = classificationMetrics(given);
    const { matrix, average, columns } = tables.classification_report.data;
    assert.equal(matrix.length, 6);
    for (const [i, name] of average.entries()) {
      const suffix = name.replace(' avg', '');
      assert.deepEqual(matrix[3 + i], [
        metrics[`precision_score_${suffix}`],
        metrics[`recall_score_${suffix}`],
        metrics[`f1_score_${suffix}`],
        300,
        metrics[`AUC_${suffix}`],
        metrics[`average_precision_score_${suffix}`],
      ]);
    }
    assert.ok(matrix.every((row) => row.length === columns.length));
  });

  test('end gains at everything, and lift at 1', () => {
    const { gains, images } = tables.cumulative_gains.data;
    assert.equal(images[99], 300);
    for (const ofClass of gains) assert.equal(ofClass?.[99], 1);
    for (const ofClass of tables.lift.data.lifts) assert.equal(ofClass?.[99], 1);
  });

  test('leave out the curves of a class that never occurs', () => {
    const without = { ...given, truth: given.truth.map((index) => (index === 2 ? 0 : index)) };
    const { roc_curve, precision_recall_curve, cumulative_gains, lift, calibration } = classificationTables(without);
    assert.equal(roc_curve.data.curves[2], null);
    assert.equal(precision_recall_curve.data.curves[2], null);
    assert.equal(cumulative_gains.data.gains[2], null);
    assert.equal(lift.data.lifts[2], null);
    assert.equal(calibration.data.bins[2].length, 10);
    assert.notEqual(roc_curve.data.micro, null);
  });
});

describe('curves in tables', () => {
  test('are bounded, keep their ends, and lie on the full curve', () => {
    const given = predictions(5000, 2);
    const { data } = classificationTables(given).roc_curve;
    assert.equal(data.max_points, 500);
    for (const [c, curve] of data.curves.entries()) {
      assert.ok(curve && curve.fpr.length > 100 && curve.fpr.length <= 500, `${curve?.fpr.length} points`);
      assert.deepEqual([curve.fpr[0], curve.tpr[0], curve.thresholds[0]], [0, 0, null]);
      assert.deepEqual([curve.fpr.at(-1), curve.tpr.at(-1)], [1, 1]);
      const positives = given.truth.filter((index) => index === c).length;
      const at = Math.floor(curve.fpr.length / 2);
      // The written threshold has nine digits.
      const threshold = (curve.thresholds[at] as number) - 1e-9;
      const yes = given.truth.filter((_, i) => given.probabilities[i][c] >= threshold);
      assert.ok(Math.abs(curve.tpr[at] - yes.filter((index) => index === c).length / positives) < 1e-8);
      const area = curve.fpr.reduce(
        (sum, x, i) => (i === 0 ? 0 : sum + ((x - curve.fpr[i - 1]) * (curve.tpr[i] + curve.tpr[i - 1])) / 2),
        0,
      );
      assert.ok(Math.abs(area - (classificationMetrics(given).AUC_macro as number)) < 1e-3, `area ${area}`);
    }
  });

  test('get fewer points with more classes', () => {
    const { roc_curve, precision_recall_curve } = classificationTables(predictions(400, 400));
    assert.equal(roc_curve.data.max_points, 250);
    for (const curve of precision_recall_curve.data.curves) assert.ok(!curve || curve.recall.length <= 250);
    const { micro } = precision_recall_curve.data;
    assert.ok(micro && micro.recall.length <= 250);
    assert.deepEqual([micro.recall[0], micro.recall.at(-1), micro.precision.at(-1)], [1, 0, 1]);
  });
});

test('with several labels an image, each label has a matrix of its own', () => {
  const { confusion_matrix, calibration } = multilabelTables({
    truth: [
      [1, 0],
      [1, 1],
      [0, 0],
    ],
    scores: [
      [0.9, 0.5],
      [0.2, 0.8],
      [0.1, 0.1],
    ],
    labels: ['beach', 'sea'],
  });
  assert.deepEqual(confusion_matrix, {
    schema_type: 'multilabel_confusion_matrix',
    schema_version: '1.0.0',
    data: {
      class_labels: ['beach', 'sea'],
      cells: [
        ['TN', 'FP'],
        ['FN', 'TP'],
      ],
      matrices: [
        [
          [1, 0],
          [1, 1],
        ],
        [
          [1, 1],
          [0, 1],
        ],
      ],
    },
  });
  assert.equal(calibration.data.expected_calibration_error, null);
});
