// This project's side of the comparison of evaluations; see detection-metrics.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DetectionRecords, evaluateCoco, summarizeCoco } from '@fovea/automl/metrics';
import { answerRequests } from './answer-requests.ts';
import { type DrawnDetections, drawDetections } from './drawn-detections.ts';

let records: DetectionRecords | undefined;

await answerRequests({
  /** @returns pairs of a detection and a truth of one image and class: each is a comparison of boxes */
  prepare_evaluation({ drawn, folder }: { drawn: DrawnDetections; folder: string }) {
    records = drawDetections(drawn);
    for (const [name, { image, category, box, ...rest }] of Object.entries({
      truths: records.truths,
      detections: records.detections,
    })) {
      for (const [part, list] of Object.entries({ image, category, box, ...rest })) {
        writeFileSync(join(folder, `${name}.${part}.f64`), new Float64Array(list as ArrayLike<number>));
      }
    }
    return pairs(records);
  },

  evaluate() {
    if (!records) throw new Error('nothing to evaluate was prepared');
    const start = performance.now();
    const evaluation = evaluateCoco(records);
    const seconds = (performance.now() - start) / 1000;
    return { seconds, summary: Object.values(summarizeCoco(evaluation)) };
  },
});

function pairs({ categories, truths, detections }: DetectionRecords): number {
  const there = new Map<number, number>();
  for (let i = 0; i < truths.image.length; i++) {
    const key = truths.image[i] * categories + truths.category[i];
    there.set(key, (there.get(key) ?? 0) + 1);
  }
  let sum = 0;
  for (let i = 0; i < detections.image.length; i++) {
    sum += there.get(detections.image[i] * categories + detections.category[i]) ?? 0;
  }
  return sum;
}
