import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, noGrad, randn, tidy } from '@fovea/torch';
import recorded from '../fixtures/initial-weights.json' with { type: 'json' };
import { createModel, findModel, freezeStages, IMAGENET_MEAN, IMAGENET_STD, modelNames, takesSize } from '../index.ts';

describe('the same seed gives the same network as torchvision and timm', () => {
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

/** A network of these would take seconds to make; their parts are tested at a smaller depth, in their own file. */
const TOO_LARGE = 100_000_000;

describe('every model', () => {
  for (const name of modelNames().filter((name) => findModel(name).parameters < TOO_LARGE)) {
    test(`${name} gives a logit for each class, and its head and its stages are names of its parameters`, () => {
      const entry = findModel(name);
      const { sizes } = entry.input;
      const size = 'only' in sizes ? sizes.only[0] : 64;
      const model = createModel(name, { classes: 3, size }).eval();
      assert.deepEqual(
        tidy(() => noGrad(() => model.forward(randn([2, 3, size, size])).shape)),
        [2, 3],
      );
      const names = [...model.namedParameters().keys()];
      for (const prefix of [entry.head, ...entry.freeze.flat()]) {
        assert.ok(
          names.some((parameter) => parameter.startsWith(prefix)),
          prefix,
        );
      }
      assert.ok(model.namedModules().has(entry.gradCam), entry.gradCam);
      freezeStages(model, entry, entry.freeze.length);
      for (const [parameter, { requiresGrad }] of model.namedParameters()) {
        assert.equal(requiresGrad, !entry.freeze.flat().some((prefix) => parameter.startsWith(prefix)), parameter);
      }
    });
  }

  for (const name of modelNames()) {
    test(`${name} says where its weights are, and under which licence`, () => {
      const { weights, input, paper } = findModel(name);
      assert.ok(URL.canParse(weights.url) && URL.canParse(weights.page) && URL.canParse(paper));
      assert.match(weights.licence, /^(Apache-2\.0|BSD-3-Clause|MIT)$/);
      assert.ok(weights.sha256 === null || /^[0-9a-f]{8,64}$/.test(weights.sha256));
      assert.equal(weights.classes, 1000);
      assert.ok(takesSize(findModel(name), input.size));
      assert.deepEqual([input.mean, input.std], [IMAGENET_MEAN, IMAGENET_STD]);
    });
  }

  test('has as many parameters as published', () => {
    for (const name of ['resnet18', 'mobilenetv2', 'resnest50', 'seresnext', 'vits16r224', 'resnest101', 'resnet101']) {
      const { parameters } = findModel(name);
      tidy(() => assert.equal(createModel(name, { classes: 1000 }).parameterCount, parameters, name));
    }
  });
});
