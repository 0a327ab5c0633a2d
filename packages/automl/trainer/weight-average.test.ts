import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveTensors, manualSeed, nn, noGrad, randn, type Tensor } from '@fovea/torch';
import { keptShare, WeightAverage } from './weight-average.ts';

function network() {
  manualSeed(4);
  return new nn.Sequential(new nn.Conv2d(3, 4, 3), new nn.BatchNorm2d(4));
}

/** Something that changes weights and statistics. */
function learn(model: nn.Sequential): void {
  noGrad(() => {
    for (const parameter of model.parameters()) parameter.add_(randn(parameter.shape), 0.1);
    model.forward(randn([2, 3, 6, 6])).dispose();
  });
}

const values = (tensors: ReadonlyMap<string, { toArray(): unknown }>) =>
  JSON.parse(JSON.stringify([...tensors].map(([name, tensor]) => [name, tensor.toArray()])));

test('an average looks back over a ninth of the updates, and over ten thousand at most', () => {
  assert.equal(keptShare(1), 2 / 11);
  for (const updates of [90, 900, 9000]) {
    const lookedBack = 1 / (1 - keptShare(updates));
    assert.ok(Math.abs(lookedBack / updates - 1 / 9) < 0.02, `${lookedBack} of ${updates}`);
  }
  assert.equal(keptShare(1_000_000), 0.9999);
});

test('every update moves weights and statistics by what is not kept, and counts are those of the model', () => {
  const model = network();
  using average = new WeightAverage(model);
  const expected = model.parameters()[0].flatten().toArray() as number[];
  for (let update = 1; update <= 5; update++) {
    learn(model);
    average.update();
    const own = model.parameters()[0].flatten().toArray() as number[];
    for (const [i, value] of own.entries()) expected[i] += (1 - keptShare(update)) * (value - expected[i]);
  }
  const { tensors, updates } = average.state();
  assert.equal(updates, 5);
  const found = (tensors.get('0.weight') as Tensor).flatten().toArray() as number[];
  for (const [i, value] of found.entries()) assert.ok(Math.abs(value - expected[i]) < 1e-6);
  assert.notDeepEqual(tensors.get('1.running_mean')?.toArray(), model.stateDict().get('1.running_mean')?.toArray());
  assert.equal(tensors.get('1.num_batches_tracked')?.item(), 5);
});

test('the model has the averages while work lasts, and its own weights afterwards, even if the work fails', async () => {
  const model = network();
  using average = new WeightAverage(model);
  learn(model);
  average.update();
  const [own, averaged] = [values(model.stateDict()), values(average.state().tensors)];
  assert.notDeepEqual(own, averaged);
  assert.deepEqual(await average.inModel(async () => values(model.stateDict())), averaged);
  assert.deepEqual(values(model.stateDict()), own);
  await assert.rejects(
    average.inModel(async () => {
      throw new Error('no');
    }),
    /no/,
  );
  assert.deepEqual([values(model.stateDict()), values(average.state().tensors)], [own, averaged]);
});

test('an average goes on from its state to the same numbers', () => {
  const [model, other] = [network(), network()];
  using average = new WeightAverage(model);
  for (let i = 0; i < 3; i++) {
    learn(model);
    average.update();
  }
  other.loadStateDict(model.stateDict());
  using resumed = new WeightAverage(other, average.state());
  learn(model);
  other.loadStateDict(model.stateDict());
  for (const one of [average, resumed]) one.update();
  assert.deepEqual(values(resumed.state().tensors), values(average.state().tensors));
});

test('an average holds one copy of the model and frees it', async () => {
  const model = network();
  const before = liveTensors();
  {
    using average = new WeightAverage(model);
    average.update();
    await average.inModel(async () => null);
    assert.equal(liveTensors() - before, model.stateDict().size);
  }
  assert.equal(liveTensors(), before);
});
