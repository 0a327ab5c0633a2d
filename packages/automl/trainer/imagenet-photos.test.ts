import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeImage, imageSize } from '@fovea/data';
import { fromTypedArray, noGrad, tidy } from '@fovea/torch';
import { applyPretrained, createModel, findModel, normaliseBatch } from '@fovea/vision';

const shared = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const folder = join(shared, 'data', 'pretrained');

interface Expected {
  models: Record<string, { top5: Record<string, { class: number; probability: number }[]> }>;
}

test('an ImageNet checkpoint recognises photographs as its publisher measured', async (t) => {
  if (!existsSync(folder))
    return t.skip(`the published checkpoint is not here (${folder}); FOVEA_SHARED names its folder`);
  const expected: Expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  const model = createModel('mobilenetv2', { classes: 1000 });
  const { headReinitialised } = await applyPretrained(model, join(folder, 'mobilenet_v2_torchpad.pth'), {
    head: findModel('mobilenetv2').head,
  });
  assert.equal(headReinitialised, false);
  model.eval();
  for (const [photo, top5] of Object.entries(expected.models['mobilenet_v2_torchpad.pth'].top5)) {
    const file = join(folder, 'photos', photo);
    // The figures were made with both sides rounded and the crop's offset rounded down; torchvision rounds otherwise.
    const { width, height } = await imageSize({ file });
    const scale = 256 / Math.min(width, height);
    const resize = { width: Math.round(width * scale), height: Math.round(height * scale) };
    const cropAfter = { left: (resize.width - 224) >> 1, top: (resize.height - 224) >> 1, width: 224, height: 224 };
    const { pixels } = await decodeImage({ file, resize, cropAfter });
    const probabilities = tidy(() => {
      const input = normaliseBatch(fromTypedArray(pixels, [1, 224, 224, 3]), findModel('mobilenetv2').input);
      return noGrad(() => model.forward(input).softmax(1)).data() as Float32Array;
    });
    const ranked = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    for (const [rank, { class: index, probability }] of top5.entries()) {
      assert.ok(
        Math.abs(probabilities[index] - probability) < 0.01,
        `${photo}: class ${index} has ${probabilities[index]}, not ${probability}`,
      );
      // Ranks further down may be closer to each other than the figures are exact.
      if (rank === 0) assert.equal(ranked[0], index, photo);
      assert.ok(ranked.indexOf(index) < 6, `${photo}: class ${index} is number ${ranked.indexOf(index) + 1}`);
    }
  }
});
