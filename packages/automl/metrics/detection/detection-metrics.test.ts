import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boxMask } from '@fovea/data/masks';
import fc from 'fast-check';
import { evaluateCoco } from './coco-evaluation.ts';
import { summarizeCategory, summarizeCoco } from './coco-summary.ts';
import { detectionConfusion } from './detection-confusion.ts';
import { DetectionLog } from './detection-log.ts';
import { detectionMetrics } from './detection-metrics.ts';
import type { DetectionRecords } from './detection-records.ts';
import { detectionTables } from './detection-tables.ts';
import { averagePrecision11Points, averagePrecisionAllPoints, evaluateVoc } from './voc-evaluation.ts';

// The figures of pycocotools and of Pascal VOC are in goldens/goldens.test.ts; these are statements that hold for any data.

type Box = [x1: number, y1: number, x2: number, y2: number];
interface Image {
  truth: { box: Box; label: number; crowd?: number }[];
  found: { box: Box; label: number; score: number }[];
}

const logged = (categories: number, images: readonly Image[]): DetectionRecords => {
  const log = new DetectionLog(categories);
  for (const { truth, found } of images) {
    log.addImage(
      {
        boxes: truth.flatMap(({ box }) => box),
        labels: truth.map(({ label }) => label),
        crowd: truth.map(({ crowd = 0 }) => crowd),
        masks: truth.map(({ box: [x1, y1, x2, y2] }) => boxMask([x1, y1, x2 - x1, y2 - y1], 100, 100)),
      },
      {
        boxes: found.flatMap(({ box }) => box),
        labels: found.map(({ label }) => label),
        scores: found.map(({ score }) => score),
        masks: found.map(({ box: [x1, y1, x2, y2] }) => boxMask([x1, y1, x2 - x1, y2 - y1], 100, 100)),
      },
    );
  }
  return log.records();
};

const CLASSES = ['cat', 'dog', 'owl'];
const box = fc.tuple(fc.nat(40), fc.nat(40), fc.integer({ min: 3, max: 40 }), fc.integer({ min: 3, max: 40 }));
const corners = box.map(([x, y, width, height]): Box => [x, y, x + width, y + height]);
const label = fc.nat(CLASSES.length - 1);
const image = fc.record({
  truth: fc.array(fc.record({ box: corners, label, crowd: fc.constantFrom(0, 0, 0, 1) }), { maxLength: 4 }),
  found: fc.array(fc.record({ box: corners, label, score: fc.integer({ min: 1, max: 9 }).map((n) => n / 10) }), {
    maxLength: 6,
  }),
});
const images = fc.array(image, { minLength: 1, maxLength: 5 });

const [cat, dog] = [0, 1];
const here: Box = [10, 10, 50, 50];
const there: Box = [60, 60, 90, 90];
const mostly: Box = [10, 10, 50, 46];

describe('metrics of models that find objects', () => {
  test('are those of Pascal VOC unless said otherwise, over the classes that have objects', () => {
    const records = logged(3, [
      {
        truth: [
          { box: here, label: cat },
          { box: there, label: cat },
        ],
        found: [
          { box: mostly, label: cat, score: 0.9 },
          { box: there, label: dog, score: 0.8 },
          { box: here, label: cat, score: 0.7 },
        ],
      },
    ]);
    const { metrics, perLabel, coco } = detectionMetrics(records, CLASSES);
    assert.deepEqual(metrics, { mean_average_precision: 0.5, precision: 0.5, recall: 0.5 });
    assert.deepEqual(perLabel, [
      { label: 'cat', averagePrecision: 0.5, precision: 0.5, recall: 0.5, objects: 2, detections: 2 },
      { label: 'dog', averagePrecision: null, precision: 0, recall: null, objects: 0, detections: 1 },
      { label: 'owl', averagePrecision: null, precision: 0, recall: null, objects: 0, detections: 0 },
    ]);
    assert.equal(coco, null);
  });

  test('are those of the type asked for', () => {
    const records = logged(3, [
      { truth: [{ box: here, label: cat }], found: [{ box: mostly, label: cat, score: 0.9 }] },
    ]);
    const of = (type: 'none' | 'coco' | 'voc' | 'coco_voc') => detectionMetrics(records, CLASSES, { type });
    assert.deepEqual(of('none'), { metrics: {}, perLabel: null, coco: null });
    assert.deepEqual(Object.keys(of('coco').metrics), ['mean_average_precision']);
    assert.ok(Math.abs((of('coco').metrics.mean_average_precision ?? 0) - 1) < 1e-12);
    assert.equal(of('coco').perLabel, null);
    const both = of('coco_voc');
    assert.equal(both.metrics.mean_average_precision, 1);
    assert.equal(both.perLabel?.length, 3);
    assert.ok(Math.abs((both.coco?.AP ?? 0) - 0.9) < 1e-12, 'an overlap of 0.9 is found at all thresholds but 0.95');
    assert.equal(both.coco?.AP_large, null);
  });

  test('look at detections above the score threshold, and find from the IoU threshold on', () => {
    const found = [
      { box: mostly, label: cat, score: 0.9 },
      { box: there, label: cat, score: 0.3 },
    ];
    const records = logged(3, [{ truth: [{ box: here, label: cat }], found }]);
    const precision = (options: object) => detectionMetrics(records, CLASSES, options).metrics.precision;
    assert.equal(precision({}), 0.5);
    assert.equal(precision({ scoreThreshold: 0.3 }), 1);
    assert.equal(precision({ scoreThreshold: 0.3, kind: 'segm' }), 1);
    assert.equal(precision({ iouThreshold: 0.9 }), 0.5);
    assert.equal(precision({ iouThreshold: 0.91 }), 0);
  });

  test('where there is nothing to be found are undefined', () => {
    const records = logged(3, [{ truth: [{ box: here, label: cat, crowd: 1 }], found: [] }]);
    const { metrics, coco } = detectionMetrics(records, CLASSES, { type: 'coco_voc' });
    assert.deepEqual(metrics, { mean_average_precision: null, precision: null, recall: null });
    assert.equal(coco?.AP, null);
    assert.equal(coco?.AR_100, null);
  });

  test('do not count what was found on a crowd, again and again', () => {
    const found = [0.9, 0.8, 0.7].map((score) => ({ box: here, label: cat, score }));
    const records = logged(3, [
      { truth: [{ box: here, label: cat, crowd: 1 }], found },
      { truth: [{ box: there, label: cat }], found: [{ box: there, label: cat, score: 0.1 }] },
    ]);
    const { metrics, coco } = detectionMetrics(records, CLASSES, { type: 'coco_voc' });
    assert.deepEqual(metrics, { mean_average_precision: 1, precision: 1, recall: 1 });
    assert.ok(Math.abs((coco?.AP ?? 0) - 1) < 1e-12);
  });

  test('of all objects with their own boxes are perfect, for boxes and masks', () => {
    fc.assert(
      fc.property(images, (each) => {
        const exact = each.map(({ truth }) => ({
          truth: truth.map((object) => ({ ...object, crowd: 0 })),
          found: truth.map(({ box, label }, i) => ({ box, label, score: 1 - i / 10 })),
        }));
        const records = logged(3, exact);
        for (const kind of ['bbox', 'segm'] as const) {
          const { metrics, coco } = detectionMetrics(records, CLASSES, { type: 'coco_voc', kind });
          for (const value of [...Object.values(metrics), coco?.AP, coco?.AR_100]) {
            assert.ok(value == null || Math.abs(value - 1) < 1e-12, `${value}`);
          }
        }
      }),
    );
  });

  test('lie between 0 and 1 or are undefined; those of masks that are boxes equal those of the boxes', () => {
    fc.assert(
      fc.property(images, (each) => {
        const records = logged(3, each);
        const [boxes, masks] = (['bbox', 'segm'] as const).map((kind) =>
          detectionMetrics(records, CLASSES, { type: 'coco_voc', kind }),
        );
        assert.deepEqual(boxes.metrics, masks.metrics);
        assert.deepEqual(boxes.coco, masks.coco);
        for (const value of [...Object.values(boxes.metrics), ...Object.values(boxes.coco ?? {})]) {
          assert.ok(value === null || (value >= 0 && value <= 1), `${value}`);
        }
      }),
    );
  });

  test('do not depend on how many other classes there are', () => {
    fc.assert(
      fc.property(images, (each) => {
        const all = evaluateCoco(logged(3, each));
        const voc = evaluateVoc(logged(3, each));
        for (const only of [0, 1, 2]) {
          const own = each.map(({ truth, found }) => ({
            truth: truth.filter(({ label }) => label === only).map((object) => ({ ...object, label: 0 })),
            found: found.filter(({ label }) => label === only).map((object) => ({ ...object, label: 0 })),
          }));
          assert.deepEqual(summarizeCategory(evaluateCoco(logged(1, own)), 0), summarizeCategory(all, only));
          const [alone] = evaluateVoc(logged(1, own));
          assert.equal(averagePrecisionAllPoints(alone), averagePrecisionAllPoints(voc[only]));
          assert.equal(averagePrecision11Points(alone), averagePrecision11Points(voc[only]));
        }
      }),
    );
  });

  test('take only so many detections of an image and class', () => {
    const found = Array.from({ length: 101 }, (_, i) => ({
      box: i === 100 ? here : there,
      label: cat,
      score: 1 - i / 200,
    }));
    const records = logged(3, [{ truth: [{ box: here, label: cat }], found }]);
    assert.equal(summarizeCoco(evaluateCoco(records)).AR_100, 0);
    assert.equal(summarizeCoco(evaluateCoco(records, { maxDetections: [1, 10, 101] })).AR_100, 1);
  });

  test('tell small objects from large ones by the pixels of their masks, where they have some', () => {
    const truth = { boxes: [0, 0, 50, 50], labels: [0] };
    const found = { ...truth, scores: [0.9] };
    const masks = [boxMask([0, 0, 10, 10], 100, 100)];
    const areas = [
      { truth, found },
      { truth: { ...truth, masks }, found: { ...found, masks } },
    ].map((image) => {
      const log = new DetectionLog(1);
      log.addImage(image.truth, image.found);
      return log.records().truths.area[0];
    });
    assert.deepEqual(areas, [2500, 100]);
  });

  test('of what does not fit are refused, with the place', () => {
    const records = logged(3, [{ truth: [{ box: here, label: cat }], found: [{ box: here, label: cat, score: 0.5 }] }]);
    const { truths, detections } = records;
    const of = (changed: Partial<DetectionRecords>) => () => detectionMetrics({ ...records, ...changed }, CLASSES);
    assert.throws(of({ images: 0 }), /truths.image\[0\] is 0; expected an index below 0/);
    assert.throws(of({ truths: { ...truths, category: [3] } }), /truths.category\[0\] is 3; expected an index below 3/);
    assert.throws(of({ detections: { ...detections, score: [Number.NaN] } }), /detections.score\[0\] is NaN/);
    assert.throws(of({ detections: { ...detections, box: [1, 2, 3] } }), /detections.box has 3 numbers, expected 4/);
    assert.throws(() => detectionMetrics(records, ['cat']), /1 names for 3 classes/);
    assert.throws(
      () => evaluateCoco(records, { maxDetections: [10, 1] }),
      /maxDetections is \[10, 1\]; it should rise/,
    );
    assert.throws(() => evaluateVoc(records, { iouThreshold: 50 }), /the IoU threshold is 50/);
    const unmasked = { ...records, truths: { ...truths, masks: undefined } };
    assert.throws(() => detectionMetrics(unmasked, CLASSES, { kind: 'segm' }), /truths.masks has no masks, expected 1/);
    const log = new DetectionLog(3);
    assert.throws(
      () => log.addImage({ boxes: [1, 2, 3], labels: [0] }, { boxes: [], labels: [], scores: [] }),
      /truth.boxes has 3 entries, expected 4 for 1 labels/,
    );
  });
});

describe('the confusion matrix', () => {
  test('counts what objects were taken for, what was missed, and what was found where nothing is', () => {
    const records = logged(3, [
      {
        truth: [
          { box: here, label: cat },
          { box: there, label: dog },
        ],
        found: [
          { box: here, label: dog, score: 0.9 },
          { box: mostly, label: cat, score: 0.8 },
          { box: [0, 90, 5, 95], label: dog, score: 0.7 },
        ],
      },
    ]);
    assert.deepEqual(detectionConfusion(records), [
      [0, 1, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 0],
      [1, 1, 0, 0],
    ]);
  });

  test('of two detections in one place takes the one of the right class', () => {
    const found = [
      { box: here, label: dog, score: 0.9 },
      { box: here, label: cat, score: 0.1 },
    ];
    assert.deepEqual(detectionConfusion(logged(2, [{ truth: [{ box: here, label: cat }], found }])), [
      [1, 0, 0],
      [0, 0, 0],
      [0, 1, 0],
    ]);
  });

  test('has each object in its row, each detection in its column at most once', () => {
    fc.assert(
      fc.property(images, (each) => {
        const matrix = detectionConfusion(logged(3, each));
        const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
        for (const only of [0, 1, 2]) {
          const truth = each.flatMap((one) => one.truth.filter(({ label, crowd }) => label === only && !crowd));
          const found = each.flatMap((one) => one.found.filter(({ label }) => label === only));
          assert.equal(sum(matrix[only]), truth.length);
          assert.ok(sum(matrix.map((row) => row[only])) <= found.length);
        }
      }),
    );
  });
});

test('the tables say the same as the metrics, and can be written as JSON', () => {
  fc.assert(
    fc.property(images, (each) => {
      const records = logged(3, each);
      const tables = detectionTables(records, CLASSES);
      assert.deepEqual(JSON.parse(JSON.stringify(tables)), tables);
      const { perLabel } = detectionMetrics(records, CLASSES);
      const { matrix } = tables.per_label_metrics.data;
      const { curves } = tables.precision_recall_curve.data;
      for (const [i, label] of (perLabel ?? []).entries()) {
        assert.deepEqual(matrix[i], [
          label.averagePrecision,
          label.precision,
          label.recall,
          label.objects,
          label.detections,
        ]);
        assert.equal(curves[i] === null, label.objects === 0);
        if (curves[i] && label.detections > 0 && curves[i].thresholds.length > 1) {
          assert.ok(Math.abs(curves[i].precision[0] - label.precision) < 1e-8);
          assert.ok(Math.abs(curves[i].recall[0] - (label.recall ?? 0)) < 1e-8);
        }
      }
      assert.deepEqual(tables.confusion_matrix.data.class_labels, [...CLASSES, 'background']);
      assert.deepEqual(tables.confusion_matrix.data.matrix, detectionConfusion(records));
    }),
  );
});
