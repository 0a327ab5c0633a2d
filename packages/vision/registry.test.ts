import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nn } from '@fovea/torch';
import { classifier, createModel, findModel, freezeStages, modelNames } from './index.ts';

test('a name that nobody has is answered with those that there are', () => {
  assert.throws(() => createModel('resnet81', { classes: 2 }), /no model called "resnet81"; there are .*resnet18/);
});

test('a network has at least one class', () => {
  assert.throws(() => createModel('resnet18', { classes: 0 }), /at least 1/);
});

test('a size that a network does not take is refused before it is made', () => {
  const refused = (name: string, size: number, message: RegExp) =>
    assert.throws(() => createModel(name, { classes: 2, size }), message);
  refused('vits16r224', 200, /vits16r224 for images of 200 × 200 pixels: it takes multiples of 16$/);
  refused('vits16r224', 0, /of 0 × 0 pixels/);
  refused('seresnext', 225, /seresnext for images of 225 × 225 pixels: it takes 224 or 256$/);
  refused('resnest50', 31, /resnest50 for images of 31 × 31 pixels: it takes 32 and more$/);
  refused('resnet18', 40.5, /resnet18 for images of 40.5 × 40.5/);
});

test('one call makes a model known, under aliases too, and no name is given twice', () => {
  const entry = classifier({
    ...findModel('resnet18'),
    name: 'registry-test',
    aliases: ['registry_test'],
    build: (classes) => new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(3, classes)),
  });
  assert.ok(modelNames().includes('registry-test'));
  assert.equal(findModel('registry_test'), entry);
  assert.equal(createModel('registry-test', { classes: 4 }).parameterCount, 16);
  assert.throws(() => classifier({ ...entry, name: 'registry_test' }), /a model called registry_test already/);
});

describe('layers_to_freeze', () => {
  const frozenBy = (stages: number): string[] => {
    const model = createModel('resnet18', { classes: 2 });
    freezeStages(model, findModel('resnet18'), stages);
    return [...model.train().namedModules()].filter(([, module]) => !module.training).map(([name]) => name);
  };

  test('0 freezes nothing, 2 the stem and the first stage', () => {
    assert.deepEqual(frozenBy(0), []);
    const frozen = frozenBy(2);
    assert.ok(['conv1', 'bn1', 'layer1', 'layer1.1.bn2'].every((name) => frozen.includes(name)));
    assert.ok(!frozen.some((name) => name.startsWith('layer2')));
  });

  test('more than there are is an error that lists them', () => {
    assert.throws(() => frozenBy(6), /layers_to_freeze is 6, but resnet18 has 0 to 5 .*conv1\. \+ bn1\., layer1\./);
  });
});
