import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, nn, noGrad } from '@fovea/torch';
import { FasterRcnn, fasterRcnn, MaskRcnn, maskRcnn, retinaNet, yolov5 } from '@fovea/vision';
import { inspectOnnx, withSettings } from '../inspect.ts';
import { OnnxError } from '../onnx-error.ts';
import { exportDetector } from './export.ts';
import { DETECTION_SETTINGS } from './settings.ts';
import { verifyDetector } from './verify.ts';

const CLASSES = 4;
const shared = { backbone: 'resnet18', classes: CLASSES, boxScoreThresh: 0.3, scoreThresh: 0.3 } as const;

/** A network that finds things in noise: last layers far from the small weights they start with. */
function eager<M extends FasterRcnn | ReturnType<typeof retinaNet>>(model: M): M {
  manualSeed(2);
  noGrad(() => {
    for (const [name, parameter] of model.namedParameters()) {
      if (!/cls_logits|cls_score|bbox_reg|bbox_pred/.test(name)) continue;
      if (name.endsWith('bias')) nn.init.zeros_(parameter);
      else nn.init.normal_(parameter, 0, 0.1);
    }
  });
  return model;
}

const makers = {
  fasterRcnn,
  // The masks of a hundred objects take seconds.
  maskRcnn: (options: typeof shared) => maskRcnn({ ...options, boxDetectionsPerImg: 12 }),
  retinaNet,
};

for (const [name, make] of Object.entries(makers)) {
  describe(name, () => {
    manualSeed(1);
    const model = eager(make(shared));
    const bytes = exportDetector(model, { metadata: { labels: '[]' } });

    test('one file gives what the engine gives, for pictures of sizes that are no whole strides', async () => {
      const { relativeDifference, detections, agreement } = await verifyDetector(bytes, model, {
        sizes: [
          { height: 97, width: 150 },
          { height: 160, width: 96 },
          // So low that the engine takes the finest level for one of half the stride.
          { height: 40, width: 130 },
        ],
        threads: 1,
      });
      assert.ok(relativeDifference < 1e-4, String(relativeDifference));
      assert.ok(detections > 30, String(detections));
      assert.ok(agreement >= 0.97, String(agreement));
      assert.equal(model.training, true);
    });

    test('its ports are those that programs for such files expect', () => {
      const { inputs, outputs } = inspectOnnx(bytes, name);
      assert.deepEqual(inputs, [{ name: 'Input', shape: [1, 3, 'height', 'width'] }]);
      const names =
        model instanceof FasterRcnn ? ['boxes_0', 'labels_0', 'scores_0'] : ['boxes_0', 'scores_0', 'labels_0'];
      if (model instanceof MaskRcnn) names.push('masks_0', 'mask_probabilities_0');
      assert.deepEqual(
        outputs.map((port) => port.name),
        names,
      );
    });

    test('for several images, and normalising by itself', async () => {
      const normalisation = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] };
      const two = exportDetector(model, { images: 2, normalisation, opset: 18, size: { height: 96, width: 128 } });
      assert.deepEqual(inspectOnnx(two, name).inputs[0].shape, [2, 3, 96, 128]);
      const sizes = [{ height: 96, width: 128 }];
      const { agreement } = await verifyDetector(two, model, {
        images: 2,
        normalisation,
        opset: 18,
        sizes,
        threads: 1,
      });
      assert.ok(agreement >= 0.97, String(agreement));
    });

    test('its thresholds can be changed in the file, and a file that detects something else is found out', async () => {
      const strict = withSettings(bytes, { [DETECTION_SETTINGS.score]: 0.999999, [DETECTION_SETTINGS.count]: 3 });
      assert.equal(strict.length, bytes.length);
      const sizes = [{ height: 96, width: 128 }];
      await assert.rejects(
        verifyDetector(strict, model, { sizes, threads: 1 }),
        (error) => error instanceof OnnxError && /detections the file has \d/.test(error.message),
      );
      assert.throws(() => withSettings(bytes, { threshold: 1 }), /no setting threshold/);
    });
  });
}

describe('YOLOv5', () => {
  for (const version of ['5.0', '6.2'] as const) {
    test(`${version} gives decoded cells for any number and size of images`, async () => {
      manualSeed(1);
      const model = yolov5({ size: 'small', version, classes: CLASSES });
      const bytes = exportDetector(model);
      const { relativeDifference } = await verifyDetector(bytes, model, {
        images: 3,
        sizes: [
          { height: 64, width: 96 },
          { height: 128, width: 32 },
        ],
        threads: 1,
      });
      assert.ok(relativeDifference < 1e-4, String(relativeDifference));
      const { inputs, outputs } = inspectOnnx(bytes, 'yolov5');
      assert.deepEqual(inputs[0].shape, ['batch', 3, 'height', 'width']);
      assert.deepEqual(outputs, [{ name: 'output', shape: ['batch', 'cells', 5 + CLASSES] }]);
    });
  }

  test('of a size that is no whole strides is refused', () => {
    const model = yolov5({ size: 'small', version: '6.2', classes: 1 });
    assert.throws(() => exportDetector(model, { size: { height: 100, width: 96 } }), /multiples of 32, not 100 × 96/);
  });
});
