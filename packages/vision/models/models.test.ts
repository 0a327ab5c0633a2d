import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, noGrad, randn, tidy } from '@fovea/torch';
import recorded from '../fixtures/initial-weights.json' with { type: 'json' };
import { createModel, findModel, freezeStages, modelNames } from '../index.ts';

describe('the same seed gives the same network as torchvision', () => {
  for (const [name, weights] of Object.entries(recorded)) {
    test(name, () => {
      manualSeed(5);
      const state = createModel(name, { classes: 7 }).stateDict();
      for (const [key, expected] of Object.entries(weights)) {
        const found = Array.from(state.get(key)?.data() as Float32Array).slice(0, 4);
        assert.deepEqual(found, expected.map(Math.fround), key);
      }
    });
  }
});

describe('every model', () => {
  for (const name of modelNames()) {
    test(`${name} gives a logit for each class, and its head and its stages are names of its parameters`, () => {
      const entry = findModel(name);
      const model = createModel(name, { classes: 3 }).eval();
      assert.deepEqual(
        tidy(() => noGrad(() => model.forward(randn([2, 3, 64, 64])).shape)),
        [2, 3],
      );
      const names = [...model.namedParameters().keys()];
      for (const prefix of [entry.head, ...entry.freeze.flat()]) {
        assert.ok(
          names.some((parameter) => parameter.startsWith(prefix)),
          prefix,
        );
      }
      freezeStages(model, entry, entry.freeze.length);
      const learning = [...model.namedParameters()].filter(([, parameter]) => parameter.requiresGrad);
      assert.ok(learning.every(([parameter]) => parameter.startsWith(entry.head)));
    });
  }
});
