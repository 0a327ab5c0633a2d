import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeImage, imageSize } from '@fovea/data';
import { maskArea, maskOverlap, polygonsMask } from '@fovea/data/masks';
import { manualSeed, noGrad, ops, tensor } from '@fovea/torch';
import { detectionSize, findDetector, pasteMasks } from '@fovea/vision';
import { writeCheckpoint } from './checkpoint.ts';
import { MASK_DEFAULTS } from './mask-settings.ts';
import { pythonDetectorArchitecture } from './python-architecture.ts';
import { scoringModule, scoringScript } from './scoring-script.ts';
import type { ModelContents } from './write.ts';

const python = ['python3', '/usr/bin/python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import torch, torchvision, numpy, PIL']).status === 0,
);
const photo = fileURLToPath(new URL('../../vision/fixtures/transforms/img_c.png', import.meta.url));

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-python-detector-'));
});
after(() => rm(work, { recursive: true }));

const SETTINGS = { min_size: 64, max_size: 96, box_score_thresh: 0.2, nms_iou_thresh: 0.4, box_detections_per_img: 12 };
const LABELS = ['cat', 'dog', 'newt'];

/** A detector with random weights that says of few boxes that there is much in them. */
function example(modelName: string, learnsNormalisation: boolean) {
  manualSeed(3);
  const detector = findDetector(modelName).build({
    classes: LABELS.length,
    learnsNormalisation,
    minSize: SETTINGS.min_size,
    maxSize: SETTINGS.max_size,
    scoreThreshold: SETTINGS.box_score_thresh,
    nmsIouThreshold: SETTINGS.nms_iou_thresh,
    detectionsPerImage: SETTINGS.box_detections_per_img,
  });
  detector.network.eval();
  const state = detector.network.stateDict();
  for (const [name, factor] of [
    ['roi_heads.box_predictor.cls_score.weight', 60],
    ['head.classification_head.cls_logits.weight', 40],
  ] as const) {
    const weight = state.get(name);
    if (weight) noGrad(() => weight.copy_(ops.mulScalar(weight, factor)));
  }
  const bias = state.get('head.classification_head.cls_logits.bias');
  if (bias) noGrad(() => bias.zero_());
  return detector;
}

for (const [modelName, learnsNormalisation] of [
  ['fasterrcnn_resnet18_fpn', true],
  ['fasterrcnn_resnet50_fpn', false],
  ['retinanet_resnet50_fpn', true],
  ['maskrcnn_resnet18_fpn', true],
  ['maskrcnn_resnet50_fpn', false],
] as const) {
  test(`${modelName}: where only model.pt was registered, the script answers with PyTorch as the engine does`, {
    skip: python ? false : 'no python3 with torch and torchvision',
  }, async () => {
    const detector = example(modelName, learnsNormalisation);
    const { mean, std } = detector.normalisation;
    const findsMasks = modelName.startsWith('maskrcnn');
    const given: ModelContents = {
      task: findsMasks ? 'image_instance_segmentation' : 'image_object_detection',
      modelName,
      labels: LABELS,
      input: { mean, std, interpolation: 'linear', normalised_in_graph: false },
      settings: findsMasks ? { ...SETTINGS, ...MASK_DEFAULTS, max_number_of_polygon_points: 10_000 } : SETTINGS,
      firstLabel: detector.firstLabel,
      weights: detector.network.stateDict(),
      onnx: new Uint8Array(),
      training: {},
      weightsOrigin: { pretrained: false, weights: 'random', licence: null },
    };
    const folder = join(work, `${modelName}-${learnsNormalisation}`);
    await mkdir(folder);
    await writeCheckpoint(join(folder, 'model.pt'), given);
    await writeFile(join(folder, 'scoring.py'), scoringScript(given));
    const program = `
import json, sys, warnings
warnings.simplefilter("ignore")
import scoring
scoring.init()
data = open(sys.argv[1], "rb").read()
image = scoring.numpy.asarray(scoring.read_image(data))
size = scoring.detection_size(image.shape[1], image.shape[0], 64, 96)
print(json.dumps([scoring.scorer._input(scoring.resize_linear(image, *size)).tolist(), scoring.run(data)]))`;
    const { status, stdout, stderr } = spawnSync(python as string, ['-c', program, photo], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, PYTHONPATH: folder, AZUREML_MODEL_DIR: folder },
    });
    assert.equal(status, 0, stderr);
    const [input, answer] = JSON.parse(stdout) as [number[][][][], { filename: string; boxes: Found[] }];

    const size = detectionSize(await imageSize({ file: photo }), SETTINGS.min_size, SETTINGS.max_size);
    const [{ length: height }, { length: width }] = [input[0][0], input[0][0][0]];
    assert.deepEqual({ width, height }, size);
    const { pixels } = await decodeImage({ file: photo, resize: size, interpolation: 'linear' });
    assert.ok(Math.abs(input[0][0][0][0] - (pixels[0] / 255 - mean[0]) / std[0]) < 1e-6);
    const padded = (side: number) => Math.ceil(side / 32) * 32;
    const images = ops.constantPadNd(tensor(input), [0, padded(width) - width, 0, padded(height) - height], 0);
    const [found] = detector.detect({ images, sizes: [size] });
    const [boxes, scores, labels] = [found.boxes, found.scores, found.labels].map((one) => one.toArray()) as [
      number[][],
      number[],
      number[],
    ];

    assert.equal(answer.filename, 'image');
    assert.ok(answer.boxes.length > 0);
    assert.deepEqual(
      answer.boxes.map(({ label }) => label),
      labels.map((index) => LABELS[index]),
    );
    for (const [i, { box, score, polygon }] of answer.boxes.entries()) {
      assert.ok(Math.abs(score - scores[i]) < 1e-5, `${score} and ${scores[i]}`);
      const corners = [box.topX * width, box.topY * height, box.bottomX * width, box.bottomY * height];
      corners.forEach((value, k) => {
        assert.ok(Math.abs(value - boxes[i][k]) < 1e-3, `${corners} and ${boxes[i]}`);
      });
      assert.equal(polygon !== undefined, findsMasks);
      if (!polygon || !found.masks) continue;
      const image = await imageSize({ file: photo });
      const cells = found.masks.select(0, i).contiguous().data() as Float32Array;
      const onPhoto = boxes[i].map((value, k) =>
        k % 2 === 0 ? (value * image.width) / width : (value * image.height) / height,
      );
      const [mask] = pasteMasks({ masks: cells, boxes: onPhoto, side: found.masks.size(-1) }, image);
      const inPixels = polygon.map((piece) =>
        piece.map((value, k) => value * (k % 2 === 0 ? image.width : image.height)),
      );
      // Rounding decides pixels at the threshold.
      const common = polygon.length > 0 ? maskOverlap(polygonsMask(inPixels, image.height, image.width), mask) : 0;
      assert.ok(common > 0.99 || maskArea(mask) < 10, `${common} of ${maskArea(mask)} pixels`);
    }
  });
}

interface Found {
  box: { topX: number; topY: number; bottomX: number; bottomY: number };
  label: string;
  score: number;
  polygon?: number[][];
}

test('of YOLOv5 the checkpoint says that no library builds it', () => {
  assert.equal(pythonDetectorArchitecture('yolov5'), null);
});

test('the folders that serving is tested with have the code of today', async () => {
  for (const [name, task] of [
    ['quarters', 'image_object_detection'],
    ['halves', 'image_object_detection'],
    ['rings', 'image_instance_segmentation'],
  ] as const) {
    const file = fileURLToPath(new URL(`../../serving/fixtures/${name}/code/fovea_scoring.py`, import.meta.url));
    assert.equal(
      await readFile(file, 'utf8'),
      scoringModule(task),
      'write them anew: .runtime/node packages/automl/model-folder/example-detectors.ts packages/serving/fixtures',
    );
  }
});
