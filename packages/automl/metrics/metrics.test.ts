import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { classificationMetrics } from './classification-metrics.ts';
import { multilabelMetrics } from './multilabel-metrics.ts';

// The figures of scikit-learn are in goldens/goldens.test.ts; these are statements that hold for any data.

const NAMES = [
  'accuracy',
  'balanced_accuracy',
  'weighted_accuracy',
  ...['AUC', 'average_precision_score', 'f1_score', 'precision_score', 'recall_score'].flatMap((name) =>
    ['macro', 'micro', 'weighted'].map((average) => `${name}_${average}`),
  ),
  'log_loss',
  'matthews_correlation',
  'norm_macro_recall',
];

/** Scores on a coarse grid, so that ties are frequent. */
const grid = fc.integer({ min: 0, max: 4 }).map((value) => value / 4);

const predictions = fc.integer({ min: 2, max: 4 }).chain((classes) =>
  fc
    .array(fc.tuple(fc.nat(classes - 1), fc.array(grid, { minLength: classes, maxLength: classes })), {
      minLength: 1,
      maxLength: 12,
    })
    .map((images) => ({
      truth: images.map(([index]) => index),
      probabilities: images.map(([, row]) => row),
      classes: Array.from({ length: classes }, (_, index) => `c${index}`),
    })),
);

const oneHot = (index: number, classes: number): number[] =>
  Array.from({ length: classes }, (_, other) => (other === index ? 1 : 0));

describe('metrics of models that choose one class', () => {
  test('are all there, under their names, and never NaN', () => {
    fc.assert(
      fc.property(predictions, (each) => {
        const metrics = classificationMetrics(each);
        assert.deepEqual(Object.keys(metrics).sort(), [...NAMES].sort());
        for (const [name, value] of Object.entries(metrics)) {
          assert.ok(value === null || Number.isFinite(value), `${name} is ${value}`);
        }
      }),
    );
  });

  test('do not depend on the order of the images', () => {
    fc.assert(
      fc.property(predictions, ({ truth, probabilities, classes }) => {
        const metrics = classificationMetrics({ truth, probabilities, classes });
        const reversed = classificationMetrics({
          truth: truth.toReversed(),
          probabilities: probabilities.toReversed(),
          classes,
        });
        for (const name of NAMES) {
          assert.ok(Math.abs((metrics[name] ?? 0) - (reversed[name] ?? 0)) < 1e-12, name);
        }
      }),
    );
  });

  test('AUC is the share of pairs in the right order, a tie counting half', () => {
    fc.assert(
      fc.property(predictions, ({ truth, probabilities, classes }) => {
        const decisions = probabilities.flatMap((row, i) =>
          row.map((score, c) => ({ score, positive: truth[i] === c })),
        );
        const positives = decisions.filter(({ positive }) => positive);
        const negatives = decisions.filter(({ positive }) => !positive);
        let ordered = 0;
        for (const high of positives) {
          for (const low of negatives) ordered += high.score > low.score ? 1 : high.score === low.score ? 0.5 : 0;
        }
        const expected = ordered / (positives.length * negatives.length);
        const { AUC_micro } = classificationMetrics({ truth, probabilities, classes });
        assert.ok(Math.abs((AUC_micro ?? Number.NaN) - expected) < 1e-12);
      }),
    );
  });

  test('of what cannot be judged are refused, with the place', () => {
    const classes = ['a', 'b'];
    const of = (truth: number[], probabilities: number[][]) => () =>
      classificationMetrics({ truth, probabilities, classes });
    assert.throws(of([], []), /there are no images to judge/);
    assert.throws(of([0, 1], [[1, 0]]), /probabilities has 1 rows, expected 2/);
    assert.throws(of([0], [[1]]), /probabilities\[0\] has 1 values, expected 2/);
    assert.throws(of([0], [[0.5, Number.NaN]]), /probabilities\[0\]\[1\] is NaN; metrics need finite numbers/);
    assert.throws(of([2], [[0.5, 0.5]]), /truth\[0\] is 2; expected a class index from 0 to 1/);
  });
});

describe('metrics of models that answer yes or no for each label', () => {
  test('an image with no label, and none predicted, is right', () => {
    const truth = [
      [0, 0],
      [1, 0],
    ];
    const scores = [
      [0.1, 0.2],
      [0.9, 0.5],
    ];
    const metrics = multilabelMetrics({ truth, scores, labels: ['a', 'b'] });
    assert.equal(metrics.iou, 0.75);
    assert.equal(metrics.accuracy, 0.5);
    assert.equal(metrics.iou_macro, 0.5);
  });

  test('that say what one class says rank as those of one class do', () => {
    fc.assert(
      fc.property(predictions, ({ truth, probabilities, classes }) => {
        const one = classificationMetrics({ truth, probabilities, classes });
        const many = multilabelMetrics({
          truth: truth.map((index) => oneHot(index, classes.length)),
          scores: probabilities,
          labels: classes,
        });
        for (const name of NAMES.filter((each) => /^(AUC|average_precision)/.test(each))) {
          assert.equal(many[name], one[name], name);
        }
      }),
    );
  });

  test('are never NaN, whatever labels there are', () => {
    const labels = ['a', 'b', 'c'];
    const row = fc.array(fc.nat(1), { minLength: 3, maxLength: 3 });
    const scoreRow = fc.array(grid, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(row, scoreRow), { minLength: 1, maxLength: 8 }), (images) => {
        const truth = images.map(([each]) => each);
        const scores = images.map(([, each]) => each);
        for (const [name, value] of Object.entries(multilabelMetrics({ truth, scores, labels }))) {
          assert.ok(value === null || Number.isFinite(value), `${name} is ${value}`);
        }
      }),
    );
  });
});
