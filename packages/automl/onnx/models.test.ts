import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { full, manualSeed, type nn, noGrad, randn, tidy } from '@fovea/torch';
import { createModel, ResNeSt, SEResNeXt, VisionTransformer } from '@fovea/vision';
import { exportOnnx } from './export.ts';
import { IMAGE_SIZE_KEY } from './image-size.ts';
import { inspectOnnx, withImageSize } from './inspect.ts';
import { verifyOnnx } from './verify.ts';

const CLASSES = 7;

/** Every family; where the published depths would take long, the same classes with fewer blocks. */
const FAMILIES: Record<string, () => nn.Module> = {
  resnet18: () => createModel('resnet18', { classes: CLASSES }),
  resnet50: () => createModel('resnet50', { classes: CLASSES }),
  mobilenetv2: () => createModel('mobilenetv2', { classes: CLASSES }),
  resnest: () => new ResNeSt([1, 2, 1, 1], 16, CLASSES),
  seresnext: () => new SEResNeXt([1, 2, 1, 1], CLASSES),
};

function exported(model: nn.Module, size: number): Uint8Array {
  model.train();
  model.forward(randn([4, 3, size, size])); // running statistics away from 0 and 1
  return exportOnnx(model, { inputShape: [1, 3, size, size] });
}

for (const [name, build] of Object.entries(FAMILIES)) {
  test(`${name} becomes ONNX and computes the same, for images of any number and size`, async () => {
    manualSeed(0);
    const model = build();
    const bytes = exported(model, 64);
    const { relativeDifference } = await verifyOnnx(bytes, model, { image: [3, 64, 64], batches: [1, 2, 5] });
    assert.ok(relativeDifference < 1e-4, String(relativeDifference));

    const summary = inspectOnnx(bytes, name);
    assert.deepEqual(summary.outputs, [{ name: 'output1', shape: ['batch', CLASSES] }]);
    assert.equal(summary.metadata[IMAGE_SIZE_KEY], 'any');
    await verifyOnnx(withImageSize(bytes, 107, 77), model, { image: [3, 107, 77], batches: [2] });
  });
}

describe('a ViT', () => {
  // Two heads, so that a size equal to the batch of the trace is among those of the reshapes.
  const model = new VisionTransformer({ width: 32, depth: 2, heads: 2 }, CLASSES, 48);

  test('becomes ONNX and computes the same, for any number of images of its size', async () => {
    const bytes = exported(model, 48);
    const { relativeDifference } = await verifyOnnx(bytes, model, { image: [3, 48, 48], batches: [1, 2, 5] });
    assert.ok(relativeDifference < 1e-4, String(relativeDifference));
    const summary = inspectOnnx(bytes, 'vit');
    assert.equal(summary.metadata[IMAGE_SIZE_KEY], 'fixed');
    assert.deepEqual(summary.inputs, [{ name: 'input1', shape: ['batch', 3, 48, 48] }]);
  });

  test('may normalise by itself, and be of the newest operator set', async () => {
    const normalisation = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };
    const bytes = exportOnnx(model, { inputShape: [1, 3, 48, 48], normalisation, opset: 21 });
    await verifyOnnx(bytes, model, { image: [3, 48, 48], batches: [1, 3], normalisation });
  });
});

test('a network that enlarges rounding, after training on pictures of one colour, is no fault of its graph', async () => {
  manualSeed(1);
  const model = createModel('mobilenetv2', { classes: 2 });
  model.train();
  for (let i = 0; i < 60; i++) tidy(() => noGrad(() => model.forward(full([8, 3, 32, 32], i % 2 ? 0.3 : -0.8))));
  const bytes = exportOnnx(model, { inputShape: [1, 3, 32, 32] });
  const before = model.stateDict().get('features.0.0.weight')?.toArray();
  await verifyOnnx(bytes, model, { image: [3, 32, 32] });
  assert.deepEqual(model.stateDict().get('features.0.0.weight')?.toArray(), before);

  const other = createModel('mobilenetv2', { classes: 2 });
  await assert.rejects(verifyOnnx(bytes, other, { image: [3, 32, 32] }), /differ by up to/);
});
