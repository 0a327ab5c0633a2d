import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { liveTensors, manualSeed, nn, type Tensor, writeSafetensors, zeros } from '@fovea/torch';
import { VisionTransformer } from '../models/index.ts';
import { resamplePositions } from '../models/resample-positions.ts';
import { createModel, findModel, modelNames } from '../registry.ts';
import { applyPretrained, applyStateDict } from './apply-pretrained.ts';
import { presentName } from './legacy-names.ts';
import { recognise } from './recognise.ts';
import { WeightsError } from './weights-error.ts';

class TinyNet extends nn.Module {
  stem;
  norm;
  fc;

  constructor(classes: number) {
    super();
    this.stem = new nn.Conv2d(3, 4, 3);
    this.norm = new nn.BatchNorm2d(4);
    this.fc = new nn.Linear(4, classes);
  }

  forward(x: Tensor): Tensor {
    return this.fc.forward(this.norm.forward(this.stem.forward(x)).mean([2, 3]));
  }
}

const published = () => {
  manualSeed(1);
  return new TinyNet(1000).stateDict();
};
const bytes = (state: ReadonlyMap<string, Tensor>, name: string) => state.get(name)?.toBytes();

test('the head stays random when the classes differ; all else is loaded', () => {
  const weights = published();
  const model = new TinyNet(2);
  const before = bytes(model.stateDict(), 'fc.weight');
  const report = applyStateDict(model, weights, { head: 'fc.' });
  assert.equal(report.headReinitialised, true);
  assert.deepEqual(report.mismatched, ['fc.weight', 'fc.bias']);
  assert.deepEqual(report.loaded, [
    'stem.weight',
    'stem.bias',
    'norm.weight',
    'norm.bias',
    'norm.running_mean',
    'norm.running_var',
    'norm.num_batches_tracked',
  ]);
  for (const name of report.loaded) assert.deepEqual(bytes(model.stateDict(), name), bytes(weights, name), name);
  assert.deepEqual(bytes(model.stateDict(), 'fc.weight'), before);
});

test('the head is loaded when the classes agree', () => {
  const weights = published();
  const model = new TinyNet(1000);
  const report = applyStateDict(model, weights, { head: 'fc.' });
  assert.equal(report.headReinitialised, false);
  assert.deepEqual(bytes(model.stateDict(), 'fc.weight'), bytes(weights, 'fc.weight'));
});

test('a checkpoint without head, or without counters of batches, is enough', () => {
  const weights = published();
  for (const name of ['fc.weight', 'fc.bias', 'norm.num_batches_tracked']) weights.delete(name);
  const report = applyStateDict(new TinyNet(2), weights, { head: 'fc.' });
  assert.equal(report.headReinitialised, true);
  assert.deepEqual(report.missing, ['norm.num_batches_tracked', 'fc.weight', 'fc.bias']);
});

test('a head is never half loaded', () => {
  const weights = published();
  weights.delete('fc.bias');
  assert.deepEqual(
    applyStateDict(new TinyNet(1000), weights, { head: 'fc.' }).loaded.filter((name) => name.startsWith('fc.')),
    [],
  );
});

function misfits(work: () => unknown, ...messages: RegExp[]): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof WeightsError && error.code === 'misfit', String(error));
    for (const message of messages) assert.match(error.message, message);
    return true;
  });
}

test('anything else that differs is an error with names and shapes, and nothing is copied', () => {
  const weights = published();
  weights.set('stem.weight', zeros([8, 3, 3, 3]));
  weights.set('extra.weight', zeros([1]));
  weights.delete('norm.weight');
  const model = new TinyNet(2);
  const before = bytes(model.stateDict(), 'stem.bias');
  misfits(
    () => applyStateDict(model, weights, { head: 'fc.', file: 'mine.pth' }),
    /^mine\.pth: does not fit the network: 3 entries differ/,
    /stem\.weight is \[8, 3, 3, 3\] in the file, \[4, 3, 3, 3\] in the network/,
    /norm\.weight \[4\] is not in the file/,
    /extra\.weight \[1\] is not in the network/,
  );
  assert.deepEqual(bytes(model.stateDict(), 'stem.bias'), before);
});

test('a head of other features is another network, not other classes', () => {
  const weights = published();
  weights.set('fc.weight', zeros([1000, 9]));
  misfits(
    () => applyStateDict(new TinyNet(2), weights, { head: 'fc.' }),
    /fc\.weight is \[1000, 9\] in the file, \[2, 4\]/,
  );
});

test('without a head that may differ, other classes are an error', () => {
  misfits(
    () => applyStateDict(new TinyNet(2), published()),
    /fc\.weight is \[1000, 4\] in the file, \[2, 4\] in the network/,
  );
});

test("weights of a larger network are not mistaken for a smaller one's, and called by their name", () => {
  // Every name of ResNet-18 is in ResNet-34 with the same shape.
  const larger = createModel('resnet34', { classes: 2 }).stateDict();
  misfits(
    () => applyStateDict(createModel('resnet18', { classes: 2 }), larger, { head: 'fc.' }),
    /does not fit resnet18: /,
    /layer1\.2\.conv1\.weight \[64, 64, 3, 3\] is not in the network/,
    /… and \d+ more/,
    /The file looks like weights of resnet34\./,
  );
});

test('networks are told by their names and shapes', () => {
  for (const name of modelNames().filter((name) => findModel(name).parameters < 100_000_000)) {
    assert.equal(recognise(createModel(name, { classes: 2 }).stateDict()), name);
  }
  assert.equal(recognise(published()), null);
});

test('older names of torchvision become the present ones', () => {
  const figures = JSON.parse(readFileSync(new URL('./fixtures/legacy-names.json', import.meta.url), 'utf8'));
  let count = 0;
  for (const model of ['fasterrcnn_resnet50_fpn', 'maskrcnn_resnet50_fpn', 'retinanet_resnet50_fpn']) {
    for (const [old, present] of figures[model]) {
      assert.equal(presentName(old), present);
      assert.equal(presentName(present), null, `${present} is present already`);
      count++;
    }
  }
  assert.equal(count, 72);
});

test('an older name is used only where the network has the new one', () => {
  const state = (name: string) => new Map([[name, zeros([1])]]);
  const network = (name: string) => ({
    stateDict: () => state(name),
    loadStateDict: (given: ReadonlyMap<string, Tensor>) => ({ missing: [], unexpected: [], names: [...given.keys()] }),
  });
  assert.deepEqual(applyStateDict(network('rpn.head.conv.0.0.weight'), state('rpn.head.conv.weight')).loaded, [
    'rpn.head.conv.0.0.weight',
  ]);
  assert.deepEqual(applyStateDict(network('rpn.head.conv.weight'), state('rpn.head.conv.weight')).loaded, [
    'rpn.head.conv.weight',
  ]);
});

test('weights are read from a file, whose tensors are freed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-apply-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'tinynet.safetensors');
  await writeSafetensors(path, published());
  const models = [new TinyNet(2), createModel('resnet18', { classes: 2 })];
  // Not more than before: the collector may free what earlier tests left.
  const before = liveTensors();
  const report = await applyPretrained(models[0], path, { head: 'fc.' });
  assert.equal(report.headReinitialised, true);
  assert.ok(liveTensors() <= before);
  await assert.rejects(
    applyPretrained(models[1], path),
    (error) => error instanceof WeightsError && error.file === path,
  );
  assert.ok(liveTensors() <= before);
  assert.equal(models[1].parameterCount, 11_177_538);
});

test('position embeddings learned at another size are resampled', () => {
  const vit = (size: number, classes: number) => new VisionTransformer({ width: 8, depth: 1, heads: 2 }, classes, size);
  const weights = vit(64, 1000).stateDict();
  const model = vit(96, 3);
  const before = liveTensors();
  const report = applyStateDict(model, weights, { head: 'head.' });
  assert.ok(liveTensors() <= before);
  assert.equal(report.headReinitialised, true);
  assert.deepEqual(report.mismatched, ['head.weight', 'head.bias']);
  assert.ok(report.loaded.includes('pos_embed'));
  const expected = resamplePositions(weights.get('pos_embed') as Tensor, 6);
  assert.deepEqual(model.pos_embed.toBytes(), expected.toBytes());
  assert.deepEqual(bytes(model.stateDict(), 'cls_token'), bytes(weights, 'cls_token'));

  const narrower = new VisionTransformer({ width: 6, depth: 1, heads: 2 }, 3, 96);
  misfits(() => applyStateDict(narrower, weights, { head: 'head.' }), /pos_embed is \[1, 17, 8\] in the file/);
  weights.set('pos_embed', zeros([1, 16, 8]));
  misfits(() => applyStateDict(model, weights, { head: 'head.' }), /pos_embed is \[1, 16, 8\] in the file/);
});

test('a real ImageNet checkpoint of MobileNetV2 fits ours, head and all', async (t) => {
  const shared = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
  const path = join(shared, 'data', 'pretrained', 'mobilenet_v2_torchpad.pth');
  if (!existsSync(path)) {
    t.skip('no FOVEA_SHARED/data/pretrained');
    return;
  }
  const { name, head } = findModel('mobilenetv2');
  const whole = await applyPretrained(createModel(name, { classes: 1000 }), path, { head });
  assert.deepEqual([whole.loaded.length, whole.headReinitialised], [314, false]);
  const headless = await applyPretrained(createModel(name, { classes: 2 }), path, { head });
  assert.deepEqual([headless.loaded.length, headless.headReinitialised], [312, true]);
});
