import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readXaiParameters, xaiProblem } from './parameters.ts';

test('what is not said has its documented default', () => {
  const defaults = {
    xai_algorithm: 'xrai',
    visualizations: true,
    attributions: false,
    confidence_score_threshold_multilabel: 0.5,
    n_steps: 50,
    xrai_fast: true,
    approximation_method: 'riemann_middle',
  };
  assert.deepEqual(readXaiParameters(), defaults);
  assert.deepEqual(readXaiParameters({ n_steps: 2, attributions: true }), {
    ...defaults,
    n_steps: 2,
    attributions: true,
  });
});

test('what is wrong is named, all of it at once', () => {
  const refused = (given: unknown, message: RegExp) => {
    assert.throws(() => readXaiParameters(given), { name: 'ExplanationError', message });
  };
  refused(
    { xai_algorithm: 'lime' },
    /xai_algorithm should be one of xrai, integrated_gradients, guided_gradcam, guided_backprop/,
  );
  refused({ n_steps: 1, xrai_fast: 'yes' }, /n_steps should be a whole number, 2 … 1000; xrai_fast should be true or/);
  refused({ n_steps: 1e9 }, /n_steps should be/);
  refused({ n_steps: 2.5 }, /n_steps should be/);
  refused({ n_steps: '20' }, /n_steps should be/);
  refused({ steps: 20 }, /"steps" is no parameter; there are xai_algorithm, .*n_steps/);
  refused(JSON.parse('{"__proto__": 1}'), /"__proto__" is no parameter/);
  refused({ confidence_score_threshold_multilabel: 50 }, /confidence_score_threshold_multilabel should be .* 0 … 1/);
  for (const none of ['xrai', null, []]) refused(none, /should be an object/);
  assert.equal(xaiProblem('n_steps', 20), null);
});
