import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, randn, type Tensor, tidy } from '@fovea/torch';
import { createModel, findModel } from '@fovea/vision';
import recorded from '../fixtures/explain/maps.json' with { type: 'json' };
import { guidedBackprop, guidedGradCam } from './guided.ts';
import { integratedGradients } from './integrated-gradients.ts';
import { integrationNodes } from './integration-nodes.ts';
import { atOnce } from './steps.ts';

const { size, steps, every, networks } = recorded;

/** What rounding may do: a ReLU switches at one point of a path. */
const TOLERANCE = 1e-4;

describe('whole networks are explained as PyTorch and captum explain them', () => {
  for (const [name, { target, ...maps }] of Object.entries(networks)) {
    test(name, () =>
      tidy(() => {
        manualSeed(0);
        const model = createModel(name, { classes: 1000 }).eval();
        const x = randn([1, 3, size, size]);
        const layer = model.namedModules().get(findModel(name).gradCam);
        assert.ok(layer);
        const forward = (images: Tensor) => model.forward(images);
        const nodes = integrationNodes('gausslegendre', steps);
        const found = {
          guided_backprop: guidedBackprop(forward, x, target),
          guided_gradcam: guidedGradCam(forward, x, target, { layer }),
          integrated_gradients: atOnce(integratedGradients(forward, x, { targets: [target], nodes })),
        };
        for (const [method, expected] of Object.entries(maps)) {
          const values = sampled(found[method as keyof typeof found]);
          const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i])), 0);
          assert.equal(values.length, expected.length);
          assert.ok(worst < TOLERANCE, `${method}: ${worst}`);
        }
      }),
    );
  }
});

function sampled(map: Tensor): number[] {
  const values = Array.from(map.data() as Float32Array);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.filter((_, i) => i % every === 0).map((value) => value / largest);
}
