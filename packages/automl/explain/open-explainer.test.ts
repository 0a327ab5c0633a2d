import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { liveTensors, manualSeed, tidy } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import sharp from 'sharp';
import type { ClassificationTask } from '../model-folder/layout.ts';
import { writeModelFolder } from '../model-folder/write.ts';
import { exportOnnx } from '../onnx/export.ts';
import { explanationAnswer, type NestedAttributions } from './answer.ts';
import { openExplainer } from './open-explainer.ts';
import { readXaiParameters } from './parameters.ts';

const SIZE = 48;
const LABELS = ['cat', 'dog', 'owl'];

let work = '';
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'explainer-'));
});
after(() => rm(work, { recursive: true }));

async function modelFolder(task: ClassificationTask): Promise<string> {
  manualSeed(3);
  const model = createModel('mobilenetv2', { classes: LABELS.length, size: SIZE }).eval();
  const folder = join(work, task);
  await writeModelFolder(folder, {
    task,
    modelName: 'mobilenetv2',
    labels: LABELS,
    input: {
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      interpolation: 'bilinear',
      normalised_in_graph: false,
    },
    settings: { valid_resize_size: 56, valid_crop_size: SIZE },
    weights: model.stateDict(),
    onnx: tidy(() => exportOnnx(model, { inputShape: [1, 3, SIZE, SIZE] })),
    training: {},
    weightsOrigin: { pretrained: false, weights: 'random', licence: null },
  });
  for (const tensor of model.stateDict().values()) tensor.dispose();
  return folder;
}

const photo = () =>
  sharp({
    create: {
      width: 80,
      height: 60,
      channels: 3,
      background: 'teal',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .png()
    .toBuffer();

describe('a model folder is explained', () => {
  test('for the most probable class, as scoring answers it', async () => {
    const folder = await modelFolder('image_classification');
    const before = liveTensors();
    const explainer = await openExplainer(folder);
    const pixels = await explainer.read(await photo());
    assert.equal(pixels.length, SIZE * SIZE * 3);
    const parameters = readXaiParameters({ xai_algorithm: 'guided_gradcam', attributions: true });
    const probabilities = explainer.probabilities(pixels);
    assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-5);
    const targets = explainer.targets(probabilities, parameters);
    assert.deepEqual(targets, [probabilities.indexOf(Math.max(...probabilities))]);
    const explanations = await explainer.explain(pixels, { parameters, targets });
    const { visualizations, attributions } = explanationAnswer(explainer.task, explanations, parameters);
    assert.match(String(visualizations), /^iVBORw0KGgo/);
    const channels = attributions as NestedAttributions;
    assert.deepEqual([channels.length, channels[0].length, channels[0][0].length], [3, SIZE, SIZE]);
    await assert.rejects(explainer.explain(pixels, { parameters, targets: [3] }), /class 3 .* has 3, from 0 on/);
    explainer.close();
    assert.ok(liveTensors() <= before);
  });

  test('for each class of a multi-label model that reaches the threshold', async () => {
    const explainer = await openExplainer(await modelFolder('image_classification_multilabel'));
    const ask = async (threshold: number) => {
      const parameters = readXaiParameters({
        xai_algorithm: 'guided_backprop',
        attributions: true,
        confidence_score_threshold_multilabel: threshold,
      });
      const pixels = await explainer.read(await photo());
      const targets = explainer.targets(explainer.probabilities(pixels), parameters);
      return explanationAnswer(explainer.task, await explainer.explain(pixels, { parameters, targets }), parameters);
    };
    const all = await ask(0);
    assert.deepEqual([all.visualizations?.length, all.attributions?.length], [3, 3]);
    assert.deepEqual(await ask(1), { visualizations: [], attributions: [] });
    explainer.close();
  });

  test('only as it was written: changed weights are refused', async () => {
    const folder = await modelFolder('image_classification');
    await writeFile(join(folder, 'artifacts/model.safetensors'), 'x');
    await assert.rejects(openExplainer(folder), { name: 'ModelFolderError' });
  });
});
