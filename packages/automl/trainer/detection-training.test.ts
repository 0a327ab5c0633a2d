import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ObjectRecord, objectMask } from '@fovea/data';
import type { RunLengths } from '@fovea/data/masks';
import { manualSeed, zeros } from '@fovea/torch';
import { findDetector, type Size } from '@fovea/vision';
import type { ValidationMetricType } from '../metrics/index.ts';
import { type DetectionSampleSettings, detectionSamples } from './detection-samples.ts';
import { targetsOf } from './detection-targets.ts';
import { DetectionTraining } from './detection-training.ts';

const CLASSES = ['cup', 'plate'];
const box = (label: string, corners: [number, number, number, number], crowd = false) => ({
  label,
  box: corners,
  crowd,
});
/** With a triangle for an outline, as wide and high as the box. */
const outlined = (label: string, corners: [number, number, number, number], crowd = false) => {
  const [x1, y1, x2, y2] = corners;
  return { ...box(label, corners, crowd), polygons: [[x1, y1, x2, y1, x1, y2]] };
};
const record = (width: number, height: number, ...objects: ObjectRecord['objects']): ObjectRecord => ({
  file: `${width}.jpg`,
  source: { file: 'x.jsonl' },
  width,
  height,
  bytes: 1,
  objects,
});
const RECORDS = [
  record(200, 100, box('cup', [0.1, 0.2, 0.5, 0.6]), box('plate', [0, 0, 1, 1], true)),
  record(100, 150, box('plate', [0.25, 0.5, 0.75, 1]), box('cup', [0, 0, 0.5, 0.2])),
  record(120, 120),
];

const OUTLINED = RECORDS.map((each) => ({
  ...each,
  objects: each.objects.map(({ label, box: [x1, y1, x2, y2], crowd }) => outlined(label, [x1, y1, x2, y2], crowd)),
}));

const FLAGS = { apply_mosaic_for_yolo: true, apply_automl_train_augmentations: true, stream_image_files: false };

const SMALL = {
  minSize: 64,
  maxSize: 100,
  imageSize: 64,
  modelSize: 'small',
  scoreThreshold: 0.01,
  nmsIouThreshold: 0.5,
  learnsNormalisation: true,
};

function training(
  name: string,
  {
    metricType = 'coco_voc',
    ...settings
  }: Partial<DetectionSampleSettings> & { metricType?: ValidationMetricType } = {},
) {
  manualSeed(1);
  const { build, finds } = findDetector(name);
  const records = finds === 'masks' ? OUTLINED : RECORDS;
  const detector = build({ ...SMALL, classes: CLASSES.length });
  return new DetectionTraining({
    detector,
    finds,
    classes: CLASSES,
    train: records,
    validation: records,
    iouThreshold: 0.5,
    samples: detectionSamples(name, {
      min_size: 64,
      max_size: 100,
      image_size: 64,
      multi_scale: false,
      advanced_settings: FLAGS,
      ...settings,
    }),
    metricType,
  });
}

/** Everything found, and exactly where it is. */
const truth = RECORDS.map(({ width, height, objects }) => {
  const single = objects.filter(({ crowd }) => !crowd);
  return {
    boxes: Float32Array.from(
      single.flatMap(({ box: [x1, y1, x2, y2] }) => [x1 * width, y1 * height, x2 * width, y2 * height]),
    ),
    labels: Int32Array.from(single, ({ label }) => CLASSES.indexOf(label)),
    scores: Float32Array.from(single, () => 0.9),
  };
});

test('right answers have a precision of 1, and what COCO counts is told besides; a crowd is no miss', () => {
  const { metrics, tables } = training('yolov5').judge([truth.slice(0, 2), truth.slice(2)]);
  for (const name of ['mean_average_precision', 'precision', 'recall', 'coco_AP', 'coco_AP50']) {
    assert.ok(Math.abs(metrics[name] - 1) < 1e-9, `${name} ${metrics[name]}`);
  }
  assert.ok(!('coco_APl' in metrics), 'no object is large');
  assert.deepEqual(Object.keys(tables()), ['per_label_metrics', 'precision_recall_curve', 'confusion_matrix']);
  const { metrics: none } = training('yolov5', { metricType: 'none' }).judge([truth]);
  assert.deepEqual(none, {});
});

test('masks are judged by their pixels: right boxes with other masks are wrong', () => {
  const task = training('maskrcnn_resnet18_fpn');
  assert.deepEqual([task.name, training('yolov5').name], ['image_instance_segmentation', 'image_object_detection']);
  const withMasks = (maskOf: (object: ObjectRecord['objects'][number], size: Size) => RunLengths) =>
    OUTLINED.map((image, i) => {
      const single = image.objects.filter(({ crowd }) => !crowd);
      return { ...truth[i], masks: single.map((object) => maskOf(object, image)) };
    });
  const { metrics, tables } = task.judge([withMasks(objectMask)]);
  for (const name of ['mean_average_precision', 'precision', 'recall', 'coco_AP'])
    assert.ok(Math.abs(metrics[name] - 1) < 1e-9, `${name} ${metrics[name]}`);
  const { data } = tables().confusion_matrix;
  assert.deepEqual('matrix' in data && data.matrix, [
    [2, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ]);
  // A triangle is half of its box: the overlap is a little less than one half, or a little more, as pixels have it.
  const { metrics: boxed } = task.judge([withMasks(({ box: whole }, size) => objectMask({ box: whole }, size))]);
  assert.ok(boxed.coco_AP75 === 0 && boxed.coco_AP < 0.2, `${boxed.coco_AP}`);
});

test('masks are learned from outlines that went the way of the image, and without outlines nothing begins', () => {
  const task = training('maskrcnn_resnet18_fpn', {
    advanced_settings: { ...FLAGS, apply_automl_train_augmentations: false },
  });
  const samples = task.trainingSamples([0, 1, 2], { seed: 1, epoch: 0, batch: 0, position: 0 });
  const [first, second, third] = targetsOf(samples, 'cpu');
  assert.deepEqual(first.masks?.shape, [1, 50, 100]);
  assert.equal(first.masks?.dtype, 'uint8');
  // The cup, 40 × 20 pixels from 10, 10: half of its box, rows that grow shorter.
  const rows = first.masks?.select(0, 0).float().sum(1).toArray() as number[];
  assert.deepEqual(
    [rows[9], rows[10], rows[29], rows[30]].map((value) => Math.round(value / 4)),
    [0, 10, 0, 0],
  );
  assert.ok(Math.abs(rows.reduce((sum, value) => sum + value, 0) - 400) <= 20);
  assert.deepEqual(second.masks?.shape, [2, 95, 63]);
  assert.equal(third.masks, undefined);
  assert.throws(
    () =>
      new DetectionTraining({
        ...{ detector: findDetector('maskrcnn_resnet18_fpn').build({ ...SMALL, classes: 2 }), finds: 'masks' },
        ...{ classes: CLASSES, train: RECORDS, validation: RECORDS, metricType: 'voc', iouThreshold: 0.5 },
        samples: detectionSamples('maskrcnn_resnet18_fpn', { min_size: 64, max_size: 100, advanced_settings: FLAGS }),
      }),
    /"cup"\) has a box and no outline/,
  );
});

test('with tiles every part of an image is shown, and what is found in the parts is judged as one answer', () => {
  const tiles = { tile_grid_size: '2x1', tile_overlap_ratio: 0.25, tile_predictions_nms_threshold: 0.25 };
  for (const name of ['fasterrcnn_resnet18_fpn', 'yolov5']) {
    const task = training(name, tiles);
    assert.deepEqual([task.trainingImages, task.validationImages], [9, 9]);
    // 200 / 1.75 = 114.3: the second tile begins at 85.7.
    const [whole, left, right] = task.validationSamples([0, 1, 2]);
    assert.deepEqual(
      [whole, left, right].map(({ original }) => original.width),
      [200, 114, 114],
    );
    assert.deepEqual(
      [whole, left, right].map(({ boxes }) => [...boxes.classes]),
      [[0], [0], []],
      'the cup ends at 100, and a sixth of it is in the second tile',
    );
    const inTraining = new Set(task.trainingSamples([0, 1, 2], { seed: 1, epoch: 0, batch: 0, position: 0 }));
    assert.equal(inTraining.size, 3);

    // The cup (20, 20, 100, 60) is found in the image and, with a better score, in the left tile; the plate of the second image only in
    // its right tile, which begins at 43.
    const found = (...rows: number[][]) => ({
      boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
      scores: Float32Array.from(rows, (row) => row[4]),
      labels: Int32Array.from(rows, (row) => row[5]),
    });
    const answers = [
      [found([22, 20, 100, 60, 0.5, 0]), found([20, 20, 100, 60, 0.9, 0]), found()],
      [found([0, 0, 50, 30, 0.8, 0]), found(), found([-18, 75, 32, 150, 0.7, 1])],
      [found(), found(), found()],
    ];
    const { metrics } = task.judge([answers.flat().slice(0, 4), answers.flat().slice(4)]);
    for (const key of ['mean_average_precision', 'precision', 'recall', 'coco_AP'])
      assert.ok(Math.abs(metrics[key] - 1) < 1e-9, `${name}: ${key} ${metrics[key]}`);
    const { metrics: apart } = training(name, { ...tiles, tile_predictions_nms_threshold: 1 }).judge([answers.flat()]);
    assert.ok(apart.precision < 1, 'what overlaps is counted twice');
  }
});

test('images of the R-CNN family keep their proportions, in the corners of one canvas', () => {
  const samples = training('fasterrcnn_resnet18_fpn').validationSamples([0, 1, 2]);
  assert.deepEqual(
    samples.map(({ size }) => [size.width, size.height]),
    [
      [100, 50],
      [63, 95], // rounded down from single precision, as torchvision does it
      [64, 64],
    ],
  );
  for (const { canvas } of samples) assert.deepEqual(canvas, { width: 128, height: 96, left: 0, top: 0, fill: 0 });
  const [{ boxes }] = samples;
  assert.deepEqual([...boxes.corners].map(Math.round), [10, 10, 50, 30], 'the crowd is left out');
});

test('the same moment shows the same images; another one others', () => {
  for (const name of ['fasterrcnn_resnet18_fpn', 'yolov5']) {
    const task = training(name);
    const at = (position: number, epoch = 0) =>
      JSON.stringify(task.trainingSamples([0, 1], { seed: 1, epoch, batch: position / 2, position }));
    assert.equal(at(0), at(0));
    assert.notEqual(at(0), at(2));
    assert.notEqual(at(0), at(0, 1));
  }
});

test('multi_scale draws a size for each batch of YOLOv5, half to one and a half times the given one', () => {
  const task = training('yolov5', { multi_scale: true });
  const sides = Array.from({ length: 30 }, (_, position) => {
    const sizes = task
      .trainingSamples([0, 1], { seed: 1, epoch: 0, batch: position, position: 2 * position })
      .map(({ size }) => size.width);
    assert.equal(sizes[0], sizes[1]);
    return sizes[0];
  });
  assert.deepEqual(
    [...new Set(sides)].sort((a, b) => a - b),
    [32, 64, 96, 128].filter((side) => sides.includes(side)),
  );
  assert.ok(new Set(sides).size >= 3);
  for (const { size } of task.validationSamples([0, 1])) assert.equal(size.width, 64);
});

test('without augmentations every image is shown as in validation', () => {
  for (const name of ['fasterrcnn_resnet18_fpn', 'yolov5']) {
    const task = training(name, {
      advanced_settings: { ...FLAGS, apply_mosaic_for_yolo: false, apply_automl_train_augmentations: false },
    });
    const boxes = (samples: ReturnType<typeof task.validationSamples>) => samples.map((sample) => sample.boxes);
    assert.deepEqual(
      boxes(task.trainingSamples([0, 1], { seed: 1, epoch: 3, batch: 0, position: 0 })),
      boxes(task.validationSamples([0, 1])),
    );
  }
});

for (const [name, terms] of [
  ['fasterrcnn_resnet18_fpn', ['classifier_loss', 'box_regression_loss', 'objectness_loss', 'rpn_box_regression_loss']],
  [
    'maskrcnn_resnet18_fpn',
    ['classifier_loss', 'box_regression_loss', 'mask_loss', 'objectness_loss', 'rpn_box_regression_loss'],
  ],
  ['retinanet_resnet50_fpn', ['classification_loss', 'box_regression_loss']],
  ['yolov5', ['box_loss', 'objectness_loss', 'classes_loss']],
] as const) {
  test(`${name}: the loss is the sum of its terms, and answers lie in the original images`, () => {
    const task = training(name);
    const samples = task.validationSamples([0, 1]);
    const { width, height } = samples[0].canvas ?? samples[0].size;
    const { loss, parts } = task.losses(zeros([2, 3, height, width]), samples, (forward) => forward());
    assert.deepEqual(Object.keys(parts), terms);
    const sum = Object.values(parts).reduce((all, part) => all + part.item(), 0);
    assert.ok(Math.abs(loss.item() - sum) < 1e-4 * Math.abs(sum));
    task.model.eval();
    const found = task.answers(zeros([2, 3, height, width]), samples);
    for (const [i, { boxes, labels, scores, masks }] of found.entries()) {
      assert.deepEqual([boxes.length, labels.length], [4 * scores.length, scores.length]);
      assert.equal(masks?.length, name.startsWith('maskrcnn') ? scores.length : undefined);
      for (const mask of masks ?? [])
        assert.deepEqual([mask.height, mask.width], [RECORDS[i].height, RECORDS[i].width]);
      for (let k = 0; k < boxes.length; k++) {
        const most = k % 2 === 0 ? RECORDS[i].width : RECORDS[i].height;
        assert.ok(boxes[k] >= 0 && boxes[k] <= most);
      }
      for (let k = 0; k < labels.length; k++) assert.ok(labels[k] === 0 || labels[k] === 1);
    }
  });
}
