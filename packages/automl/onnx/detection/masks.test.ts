import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSeed, noGrad } from '@fovea/torch';
import { maskRcnn } from '@fovea/vision';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { withSettings } from '../inspect.ts';
import { OnnxError } from '../onnx-error.ts';
import { testImages } from '../test-images.ts';
import { open } from '../verify.ts';
import { exportDetector } from './export.ts';
import { DETECTION_SETTINGS, MASK_SETTINGS } from './settings.ts';
import { verifyDetector } from './verify.ts';

manualSeed(1);
const options = { backbone: 'resnet18', classes: 4, boxScoreThresh: 0.1, boxDetectionsPerImg: 3 } as const;
const model = maskRcnn(options);
const bytes = exportDetector(model);
const [height, width] = [70, 100];

async function outputsOf(file: Uint8Array): Promise<Record<string, readonly number[]>> {
  const session = await open(file, 1);
  const shape = [1, 3, height, width];
  const outputs = await session.run({ Input: new OrtTensor('float32', testImages(shape), shape) });
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { dims }]) => [name, dims]));
}

test('masks are as large as the image, or left as they are for programs that want them so', async () => {
  const pasted = await outputsOf(bytes);
  assert.deepEqual(pasted.masks_0, [3, 1, height, width]);
  assert.deepEqual(pasted.mask_probabilities_0, [3, 1, 28, 28]);
  const compact = await outputsOf(withSettings(bytes, { [MASK_SETTINGS.paste]: 0 }));
  assert.deepEqual(compact.masks_0, [3, 1, 0, 0]);
  assert.deepEqual(compact.mask_probabilities_0, [3, 1, 28, 28]);
});

test('an image without objects has no masks', async () => {
  const none = await outputsOf(withSettings(bytes, { [DETECTION_SETTINGS.score]: 1 }));
  assert.deepEqual(none.boxes_0, [0, 4]);
  assert.deepEqual(none.masks_0, [0, 1, height, width]);
  assert.deepEqual(none.mask_probabilities_0, [0, 1, 28, 28]);
});

test('a file with the masks of another network is found out', async () => {
  const sizes = [{ height, width }];
  assert.equal((await verifyDetector(bytes, model, { sizes, threads: 1 })).agreement, 1);
  const { weight } = model.roi_heads.mask_predictor.mask_fcn_logits;
  noGrad(() => weight.mul_(-1));
  await assert.rejects(
    verifyDetector(bytes, model, { sizes, threads: 1 }),
    (error) => error instanceof OnnxError && /of 3 detections the file has 0/.test(error.message),
  );
});
