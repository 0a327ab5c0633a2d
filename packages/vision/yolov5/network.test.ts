import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadStateDict, manualSeed, noGrad, ops, rand, savePth, type Tensor, tensor, tidy } from '@fovea/torch';
import { applyStateDict } from '../weights/apply-pretrained.ts';
import { YOLOV5_ANCHORS } from './detect.ts';
import { YOLOV5_SIZES, YOLOV5_VERSIONS, type YoloV5Options, yolov5 } from './network.ts';
import { recogniseYoloV5 } from './recognise.ts';

const PARAMETERS = {
  '5.0': { small: 7_276_605, medium: 21_375_645, large: 47_056_765, extra_large: 87_775_965 },
  '6.2': { small: 7_235_389, medium: 21_190_557, large: 46_563_709, extra_large: 86_749_405 },
};

const made = (options: Partial<YoloV5Options> = {}) =>
  yolov5({ size: 'small', version: '6.2', classes: 2, ...options });

describe('YOLOv5', () => {
  for (const version of YOLOV5_VERSIONS) {
    for (const size of YOLOV5_SIZES) {
      test(`${size} of version ${version} has as many parameters as the published one`, () => {
        const model = made({ size, version, classes: 80 });
        assert.equal(model.parameterCount, PARAMETERS[version][size]);
        for (const value of model.stateDict().values()) value.dispose();
      });
    }
  }

  test('three levels come out, of one box for each anchor in each cell', () => {
    tidy(() => {
      const model = made({ classes: 7 }).eval();
      const raw = noGrad(() => model.forward(rand([2, 3, 64, 96])));
      assert.deepEqual(
        raw.map(({ shape }) => shape),
        [
          [2, 3, 8, 12, 12],
          [2, 3, 4, 6, 12],
          [2, 3, 2, 3, 12],
        ],
      );
      assert.deepEqual(model.decode(raw).shape, [2, 3 * (96 + 24 + 6), 12]);
    });
  });

  test('an output of nothing is the anchor in the middle of its cell', () => {
    tidy(() => {
      const model = made();
      const raw = [
        [8, 12],
        [4, 6],
        [2, 3],
      ].map(([height, width]) => ops.zeros([1, 3, height, width, 7]));
      const boxes = model.decode(raw).select(0, 0);
      assert.deepEqual(boxes.select(0, 13).toArray(), [12, 12, 10, 13, 0.5, 0.5, 0.5]);
      assert.deepEqual(boxes.select(0, 96).toArray(), [4, 4, 16, 30, 0.5, 0.5, 0.5]);
      assert.deepEqual(boxes.select(0, -1).toArray(), [80, 48, 373, 326, 0.5, 0.5, 0.5]);
    });
  });

  test('boxes and classes are thought rare at first, in either version by its own formula', () => {
    tidy(() => {
      for (const [version, margin] of [
        ['5.0', 0.99],
        ['6.2', 0.999999],
      ] as const) {
        manualSeed(0);
        const { model } = made({ version, classes: 3 });
        const bias = model.at(24)?.stateDict().get('m.1.bias') as Tensor;
        const guess = bias.view([3, 8]).mean([0]).toArray() as number[];
        assert.ok(Math.abs(guess[4] - Math.log(8 / 40 ** 2)) < 0.1);
        assert.ok(Math.abs(guess[5] - Math.log(0.6 / (3 - margin))) < 0.1);
        assert.ok(Math.abs(guess[0]) < 0.1);
      }
    });
  });

  test('checkpoints of half precision and of other classes load, all but the head', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fovea-yolov5-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'yolov5s.pt');
    const source = made({ classes: 5 });
    const halved = [...source.stateDict()].map(([name, value]): [string, Tensor] => [
      name,
      value.dtype === 'float32' ? value.detach().to({ dtype: 'float16' }) : value,
    ]);
    await savePth(path, { model: new Map(halved) });
    const model = made();
    const state = await loadStateDict(path);
    const { headReinitialised, loaded } = applyStateDict(model, state, { head: 'model.24.m.' });
    assert.ok(headReinitialised);
    assert.equal(loaded.length, model.stateDict().size - 6);
    const [own, given] = [model, source].map((each) => each.stateDict().get('model.0.conv.weight') as Tensor);
    assert.ok(ops.allclose(own, given, 1e-3, 1e-3));
  });

  test('a checkpoint tells which network it is of', () => {
    for (const version of YOLOV5_VERSIONS) {
      for (const size of ['small', 'medium'] as const) {
        const { anchors: given, ...options } = { size, version, classes: 4, anchors: YOLOV5_ANCHORS };
        const model = yolov5(options);
        assert.deepEqual(recogniseYoloV5(model.stateDict()), { ...options, anchors: given });
        for (const value of model.stateDict().values()) value.dispose();
      }
    }
    tidy(() => assert.equal(recogniseYoloV5(new Map([['model.0.conv.weight', rand([32, 3, 6, 6])]])), null));
  });

  test('anchors may be others', () => {
    tidy(() => {
      const anchors = [[[8, 16]], [[32, 32]], [[96, 64]]] as const;
      const model = made({ anchors });
      assert.deepEqual(model.anchors.toArray(), [[[1, 2]], [[2, 2]], [[3, 2]]]);
      assert.equal(model.forward(rand([1, 3, 32, 32]))[2].shape[1], 1);
    });
  });

  test('what it cannot be is said', () => {
    assert.throws(() => made({ classes: 0 }), /at least 1/);
    assert.throws(() => made({ size: 'xlarge' as 'small' }), /there are small, medium, large, extra_large/);
    assert.throws(() => made({ version: '8.0' as '6.2' }), /there are 5\.0, 6\.2/);
    assert.throws(() => made({ anchors: [[[1, 1]], [[1, 1]], []] }), /3 levels.*not 1, 1, 0/);
    assert.throws(() => made().forward(tensor([0]).expand([1, 3, 64, 70])), /multiples of 32, not 64 × 70/);
  });
});
