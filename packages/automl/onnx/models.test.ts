import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSeed, randn } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { exportOnnx } from './export.ts';
import { IMAGE_SIZE_KEY } from './image-size.ts';
import { inspectOnnx, withImageSize } from './inspect.ts';
import { verifyOnnx } from './verify.ts';

for (const name of ['resnet18', 'resnet50', 'mobilenetv2']) {
  test(`${name} becomes ONNX and computes the same`, async () => {
    manualSeed(0);
    const model = createModel(name, { classes: 7 });
    model.train();
    model.forward(randn([4, 3, 64, 64])); // running statistics away from 0 and 1
    const bytes = exportOnnx(model, { inputShape: [1, 3, 64, 64] });
    const { relativeDifference } = await verifyOnnx(bytes, model, { image: [3, 64, 64] });
    assert.ok(relativeDifference < 1e-4, String(relativeDifference));

    const summary = inspectOnnx(bytes, name);
    assert.deepEqual(summary.outputs, [{ name: 'output1', shape: ['batch', 7] }]);
    assert.equal(summary.metadata[IMAGE_SIZE_KEY], 'any');
    await verifyOnnx(withImageSize(bytes, 96, 80), model, { image: [3, 96, 80], batches: [2] });
  });
}
