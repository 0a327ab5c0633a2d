import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confusionMatrix } from './confusion-matrix.ts';

test('rows are true labels, columns predicted ones', () => {
  const answer = (label: string, predicted: string) => ({ file: '', label, predicted, probability: 1 });
  const answers = [
    answer('cat', 'cat'),
    answer('cat', 'cat'),
    answer('cat', 'elephant'),
    answer('elephant', 'elephant'),
  ];
  assert.deepEqual(confusionMatrix(answers, ['cat', 'elephant']).split('\n'), [
    '  true       cat  elephant   ← predicted',
    '  cat          2         1',
    '  elephant     ·         1',
  ]);
});
