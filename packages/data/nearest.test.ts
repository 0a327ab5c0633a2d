import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearest } from './nearest.ts';

const keys = ['max_trials', 'max_concurrent_trials', 'timeout_minutes', 'label', 'image_url'];

test('misspellings find the right word', () => {
  for (const [word, right] of [
    ['max_trails', 'max_trials'],
    ['lable', 'label'],
    ['Label', 'label'],
    ['imageUrl', 'image_url'],
    ['image-url', 'image_url'],
    ['timeout_minuts', 'timeout_minutes'],
  ]) {
    assert.equal(nearest(word, keys), right, word);
  }
});

test('what is near to nothing gets no advice', () => {
  assert.equal(nearest('learning_rate', keys), undefined);
  assert.equal(didYouMean('xy', keys), undefined);
  assert.equal(didYouMean('', []), undefined);
  assert.equal(didYouMean('lable', keys), 'did you mean label?');
});
