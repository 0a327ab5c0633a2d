import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readXaiParameters } from './parameters.ts';

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
    /xai_algorithm: .*"xrai"\|"integrated_gradients"\|"guided_gradcam"\|"guided_backprop"/,
  );
  refused({ n_steps: 1, xrai_fast: 'yes' }, /n_steps: .*>=2.*; xrai_fast: .*boolean/);
  refused({ n_steps: 1e9 }, /n_steps: .*<=1000/);
  refused({ n_steps: 2.5 }, /n_steps: .*int/);
  refused({ steps: 20 }, /steps: there is no such parameter; there are xai_algorithm, .*n_steps/);
  refused({ confidence_score_threshold_multilabel: 50 }, /confidence_score_threshold_multilabel: .*<=1/);
  refused('xrai', /expected object/);
  refused(null, /expected object/);
});
