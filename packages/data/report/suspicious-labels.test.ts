import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JudgedImage, suspiciousLabels } from './suspicious-labels.ts';

const image = (file: string, labels: string[], set: JudgedImage['set'] = 'training'): JudgedImage => ({
  file,
  labels,
  set,
});
const brief = (found: ReturnType<typeof suspiciousLabels<JudgedImage>>['found']) =>
  found.map(({ item, kind, label, suggested }) => `${item.file} ${kind} ${label} → ${suggested}`);

test('an image is doubted when the model is as sure of another class as it is of that class elsewhere', () => {
  const answers: Record<string, number[]> = {
    'cat-1': [0.9, 0.1],
    'cat-2': [0.8, 0.2],
    'cat-3': [0.25, 0.75],
    'dog-1': [0.3, 0.7],
    'dog-2': [0.2, 0.8],
    'dog-3': [0.05, 0.95],
    'dog-4': [0.6, 0.4],
  };
  const images = Object.keys(answers).map((file) => image(file, [file.split('-')[0]]));
  const model = { model: 'm', labels: ['cat', 'dog'], probabilities: new Map(Object.entries(answers)) };
  const { found, thresholds, judged, agreement } = suspiciousLabels(images, model, false);
  // cat: (0.9 + 0.8 + 0.25) / 3; dog: (0.7 + 0.8 + 0.95 + 0.4) / 4. The 0.6 of dog-4 is below the first.
  assert.deepEqual(
    thresholds.map(({ label, present }) => [label, present.toFixed(4)]),
    [
      ['cat', '0.6500'],
      ['dog', '0.7125'],
    ],
  );
  assert.deepEqual(brief(found), ['cat-3 other-class cat → dog']);
  assert.deepEqual([found[0].probability, found[0].probability_as_labelled], [0.75, 0.25]);
  assert.deepEqual([judged, agreement], [7, 5 / 7]);
});

test('the worst comes first, images without an answer and labels that the model does not know are left out', () => {
  const answers: Record<string, number[]> = { a: [0.8, 0.2], b: [0.9, 0.1], c: [0.99, 0.01], d: [1, 0] };
  const images = [
    image('a', ['cat']),
    image('b', ['dog']),
    image('c', ['dog']),
    image('d', ['cow']),
    image('e', ['dog']),
  ];
  const model = { model: 'm', labels: ['cat', 'dog'], probabilities: new Map(Object.entries(answers)) };
  const { found, judged } = suspiciousLabels(images, model, false);
  assert.deepEqual(brief(found), ['c other-class dog → cat', 'b other-class dog → cat']);
  assert.equal(judged, 3);
});

test('images of validation set the bar where there are enough: those of training were learned by heart', () => {
  const images = [
    ...Array.from({ length: 20 }, (_, i) => image(`t${i}`, ['cat'])),
    ...Array.from({ length: 10 }, (_, i) => image(`v${i}`, ['cat'], 'validation')),
    ...Array.from({ length: 10 }, (_, i) => image(`d${i}`, ['dog'], 'validation')),
  ];
  const probabilities = new Map(
    images.map(({ file }): [string, number[]] => [
      file,
      file.startsWith('t') ? [1, 0] : file.startsWith('v') ? [0.8, 0.2] : [0.1, 0.9],
    ]),
  );
  probabilities.set('d3', [0.85, 0.15]);
  const { found, thresholds } = suspiciousLabels(images, { model: 'm', labels: ['cat', 'dog'], probabilities }, false);
  assert.equal(thresholds[0].present.toFixed(3), '0.800');
  assert.deepEqual(brief(found), ['d3 other-class dog → cat']);
});

test('each label of a multi-label set is a question of its own: missing, or not there', () => {
  const images = [
    image('1', ['sea']),
    image('2', ['sea']),
    image('3', []),
    image('4', ['sea', 'sun']),
    image('5', ['sun']),
  ];
  const probabilities = new Map([
    ['1', [0.9, 0.02]],
    ['2', [0.1, 0.1]],
    ['3', [0.95, 0.05]],
    ['4', [0.9, 0.9]],
    ['5', [0.02, 0.9]],
  ]);
  const { found, agreement } = suspiciousLabels(images, { model: 'm', labels: ['sea', 'sun'], probabilities }, true);
  assert.deepEqual(brief(found), ['3 missing-label sea → sea', '2 extra-label sea → sea']);
  assert.equal(agreement, 0.8);
});
