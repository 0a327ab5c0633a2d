import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { inspectOnnx } from '../onnx/inspect.ts';
import { writeExampleDetectors } from './example-detectors.ts';
import { readModelFolder } from './index.ts';

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-detector-folder-'));
  await writeExampleDetectors(work);
});
after(() => rm(work, { recursive: true }));

/** A copy with another fovea.json. */
async function changed(name: string, change: (metadata: Record<string, unknown>) => void): Promise<string> {
  const folder = await mkdtemp(join(work, `${name}-`));
  await cp(join(work, name), folder, { recursive: true });
  const file = join(folder, 'fovea.json');
  const metadata = JSON.parse(await readFile(file, 'utf8'));
  change(metadata);
  await writeFile(file, JSON.stringify(metadata));
  return folder;
}

describe("a detector's folder", () => {
  test('gives back what was written', async () => {
    const quarters = await readModelFolder(join(work, 'quarters'), { checkWeights: true });
    assert.ok(quarters.task === 'image_object_detection');
    assert.deepEqual(quarters.settings, {
      ...{ min_size: 48, max_size: 96, box_score_thresh: 0.3, nms_iou_thresh: 0.5, box_detections_per_img: 100 },
    });
    assert.deepEqual([quarters.firstLabel, quarters.inputName, quarters.threshold], [1, 'Input', null]);
    assert.deepEqual(quarters.labels, ['left top', 'right top', 'left bottom', 'right bottom']);
    const halves = await readModelFolder(join(work, 'halves'));
    assert.deepEqual(halves.settings, {
      ...{ img_size: 64, box_score_thresh: 0.3, nms_iou_thresh: 0.5, model_size: 'small' },
    });
    assert.equal(inspectOnnx(halves.onnx, 'halves').outputs[0].name, 'output');
  });

  test('says in MLmodel and settings.json what it is', async () => {
    const { metadata, signature } = parse(await readFile(join(work, 'quarters/MLmodel'), 'utf8'));
    assert.equal(metadata.base_model_task, 'image-object-detection');
    assert.deepEqual(JSON.parse(signature.outputs), [{ type: 'string', name: 'boxes' }]);
    const settings = JSON.parse(await readFile(join(work, 'quarters/artifacts/settings.json'), 'utf8'));
    assert.deepEqual(
      [settings.task_type, settings.model_name, settings.box_score_thresh],
      ['image-object-detection', 'fasterrcnn_resnet18_fpn', 0.3],
    );
    assert.match(
      await readFile(join(work, 'quarters/code/fovea_scoring.py'), 'utf8'),
      /class FoveaModel\(mlflow\.pyfunc\.PythonModel\):/,
    );
  });

  test('is refused when its parts do not fit together', async () => {
    const regions = {
      min_size: 48,
      max_size: 96,
      box_score_thresh: 0.3,
      nms_iou_thresh: 0.5,
      box_detections_per_img: 9,
    };
    for (const [name, change, why] of [
      ['halves', (m: Record<string, unknown>) => Object.assign(m, { first_label: 2 }), /first_label should be 0 or 1/],
      [
        'halves',
        (m: Record<string, unknown>) => Object.assign(m, { settings: regions }),
        /"img_size" is not a setting/,
      ],
      [
        'quarters',
        (m: Record<string, unknown>) => Object.assign(m, { task: 'image_classification' }),
        /input.interpolation should be bilinear/,
      ],
    ] as const) {
      await assert.rejects(
        changed(name, change).then((folder) => readModelFolder(folder)),
        why,
      );
    }
    const mixed = await changed('halves', (metadata) => Object.assign(metadata, { settings: regions }));
    await writeFile(join(mixed, 'artifacts/settings.json'), '{}');
    await assert.rejects(readModelFolder(mixed), /the graph has no output boxes_0 and no labels_0 and no scores_0/);
  });
});
