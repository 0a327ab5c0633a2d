import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { classificationMetrics } from './classification-metrics.ts';

interface Case {
  name: string;
  y_true: number[];
  proba: number[][];
  accuracy: number;
  log_loss: number;
  confusion_matrix: number[][];
}

test('accuracy, log loss and confusion matrix are those of scikit-learn', () => {
  const { cases }: { cases: Case[] } = JSON.parse(
    readFileSync(new URL('../fixtures/classification-metrics.json', import.meta.url), 'utf8'),
  );
  for (const { name, y_true, proba, ...expected } of cases) {
    const { metrics, confusion } = classificationMetrics(y_true, proba);
    assert.ok(Math.abs(metrics.accuracy - expected.accuracy) < 1e-9, `${name}: accuracy`);
    assert.ok(Math.abs(metrics.log_loss - expected.log_loss) < 1e-9, `${name}: log_loss ${metrics.log_loss}`);
    assert.deepEqual(confusion, expected.confusion_matrix, name);
  }
});
