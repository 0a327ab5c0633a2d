import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../models/index.ts';
import { hasOp, setNumThreads } from '@fovea/torch';
import type { ClassifierFile } from './classifier.ts';
import { fnv1a32, generate } from './fill.ts';
import { checksOf } from './kinds.ts';
import type { YoloV5File } from './yolov5.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/parity/${name}`, import.meta.url), 'utf8'));
const FOLDER = fileURLToPath(new URL('../fixtures/transforms/', import.meta.url));
const transforms = (name: string) => JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8'));
const missesOf = async (file: unknown): Promise<string[]> =>
  (await Array.fromAsync(checksOf(file, FOLDER)))
    .filter(({ passed }) => !passed)
    .map(({ name, says }) => `${name}: ${says}`);

setNumThreads(1);

test('the generator gives the check values of the format', () => {
  assert.equal(fnv1a32('input'), 4191711099);
  const values = generate('input', 1_000_001, (u) => u);
  const expected = [0.7990331361070275, 0.6851742474827915, 0.9802647233009338, 0.02014293312095106];
  assert.deepEqual(
    [0, 1, 2, 1_000_000].map((i) => values[i]),
    expected.map(Math.fround),
  );
});

describe('every figure is reproduced', () => {
  for (const name of [
    'resnet18',
    'mobilenet_v2',
    'resnet50',
    'resnest50d',
    'legacy_seresnext50_32x4d',
    'vit_small_patch16_224',
    'yolov5s_v5.0',
    'yolov5s_v6.2',
    'trajectories',
    'schedules',
    'losses',
    'cpu_generator',
    'box_iou',
    'sigmoid_focal_loss',
  ]) {
    test(name, async () => assert.deepEqual(await missesOf(fixture(`${name}.json`)), []));
  }
});

describe("every figure of torchvision's operators is reproduced", () => {
  const skip = hasOp('torchvision::nms') ? false : "torchvision's compiled operators are not installed";
  for (const name of ['nms', 'roi_align', 'deform_conv2d', 'yolov5_nms_v5.0', 'yolov5_nms_v6.2']) {
    test(name, { skip }, async () => assert.deepEqual(await missesOf(fixture(`${name}.json`)), []));
  }
});

describe('every transform of an image is reproduced', () => {
  for (const name of ['img_c', 'img_d']) {
    test(name, async () => assert.deepEqual(await missesOf(transforms(name)), []));
  }
});

describe('a wrong figure is a miss', () => {
  test('of a classifier', async () => {
    const file: ClassifierFile = fixture('resnet18.json');
    file.state_dict.reverse();
    file.param_count++;
    file.generated['fc.bias'].mean = 1;
    file.eval_outputs.logits.at = [[1999, 9]];
    file.features.layer3.std = 1.01;
    file.features.layer9 = file.features.layer4;
    const { losses, grads, params_after_2_steps_first8, bn_after_2_steps_plus_forward } = file.train_step;
    losses[2] *= 1.001;
    file.train_step.grad_norm_total *= 1.01;
    file.train_step.train_mode_logits.mean = 1;
    grads['fc.bias'].first = [1];
    params_after_2_steps_first8['fc.bias'][7] = 0;
    bn_after_2_steps_plus_forward.bn1.running_mean = [1, 2];
    bn_after_2_steps_plus_forward.bn1.num_batches_tracked = 2;
    assert.deepEqual(
      (await missesOf(file)).map((miss) => miss.replace(/: .*/, '')),
      [
        'names, dtypes and shapes',
        'number of parameters',
        'generated fc.bias',
        'eval logits',
        'eval layer3',
        'eval layer9',
        'train losses',
        'train logits',
        'gradient norm',
        'gradient fc.bias',
        'after training fc.bias',
        'after training bn1.running_mean',
        'after training bn1.num_batches_tracked',
      ],
    );
  });

  test('of YOLOv5', async () => {
    const file: YoloV5File = fixture('yolov5s_v6.2.json');
    file.anchors_grid_units[1][0][0] += 0.01;
    file.eval_outputs.decoded.mean = 1;
    file.train_outputs.raw_3 = file.train_outputs.raw_2;
    file.loss.assignment[0].count++;
    file.loss.assignment[2].rows[3][5] += 0.001;
    file.loss.components[2] *= 1.01;
    file.train_step.components[2][0] *= 1.01;
    assert.deepEqual(
      (await missesOf(file)).map((miss) => miss.replace(/: .*/, '')),
      [
        'anchors',
        'eval decoded',
        'parts of the loss',
        'parts of the train losses',
        'train raw_3',
        'assignment on level 0, number',
        'assignment on level 2',
      ],
    );
    await assert.rejects(missesOf({ ...file, version: 'v8.0' }), /version v8\.0 of YOLOv5 is not supported/);
  });

  test('of a transform', async () => {
    const file = transforms('img_d');
    file.resize_256_pil.sha256_of_hwc_bytes = '0';
    file.hflip_totensor.at[0][1] += 0.001;
    file.colorjitter_tensor_float.hue.mean += 0.001;
    file.letterbox_rgb_order[1].pad_dw_dh[0] += 1;
    file.posterize = {};
    const names = (await missesOf(file)).map((miss) => miss.replace(/: .*/, ''));
    assert.deepEqual(names, [
      'resize_256_pil',
      'hflip_totensor',
      'colorjitter_tensor_float hue',
      'letterbox_rgb_order new_shape=640,auto=false,stride=32, ratio and padding',
      'posterize',
    ]);
  });

  test('of an optimiser, a schedule, a loss', async () => {
    const trajectories = fixture('trajectories.json');
    trajectories.cases[1].args.momentum = 0.8;
    assert.equal((await missesOf(trajectories)).length, 3);
    const schedules = fixture('schedules.json');
    schedules.warmup_cosine[0].num_cycles = 0.5;
    assert.equal((await missesOf(schedules)).length, 1);
    assert.equal((await missesOf({ ...fixture('losses.json'), l1_sum: 35.8 })).length, 1);
  });
});

describe('npm run parity', () => {
  const run = (...files: string[]) => {
    const main = new URL('main.ts', import.meta.url).pathname;
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...files], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const path = (name: string) => new URL(`../fixtures/parity/${name}`, import.meta.url).pathname;

  test('prints a line for each check and ends well when all pass', () => {
    const { status, stdout } = run(path('schedules.json'));
    assert.equal(status, 0);
    assert.match(stdout, /✓ schedules step 5 × 0.5 +worst 0 of 1.0e-6/);
    assert.match(stdout, /1 file, 5 checks: all within tolerance/);
  });

  test('says which files are missing, not JSON, of another format, or of a model that is not there yet', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'parity-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const { status, stdout } = run(
      join(folder, 'nowhere.json'),
      write('broken.json', '{"a": '),
      write('other.json', '{"name": "x"}'),
      write('unknown.json', JSON.stringify({ ...fixture('resnet18.json'), model: 'resnet19' })),
      path('schedules.json'),
    );
    assert.equal(status, 1);
    assert.match(stdout, /✗ nowhere +cannot be read: ENOENT/);
    assert.match(stdout, /✗ broken +not JSON/);
    assert.match(stdout, /✗ other +not a parity file/);
    assert.match(stdout, /✗ unknown +There is no model called "resnet19"; there are .*resnet18/);
    assert.match(stdout, /4 missed/);
  });

  test('without files tells how it is used', () => {
    const { status, stderr } = run();
    assert.equal(status, 2);
    assert.match(stderr, /usage: npm run parity -- <file.json>/);
  });
});
