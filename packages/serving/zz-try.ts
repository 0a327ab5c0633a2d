import { readLabelledImages, readObjects } from '@fovea/data';
import { exportModel } from './export-model.ts';

const [folder, data, output, kind] = process.argv.slice(2);
const read = kind
  ? await readObjects(data, { targetColumn: 'label', task: kind as 'detection', role: 'validation' })
  : await readLabelledImages(data, { targetColumn: 'label', labelKind: 'multiclass', role: 'validation' });
let last = '';
const r = await exportModel(folder, {
  output,
  int8: { records: read.dataset.records as never },
  onProgress: (s, p) => {
    if (s !== last) {
      last = s;
      console.log(new Date().toISOString().slice(11, 19), s, p);
    }
  },
});
const { about, quantisation, ...rest } = r;
console.log(
  JSON.stringify(rest),
  JSON.stringify(quantisation, (k, v) =>
    k === 'metrics' ? { mAP: v.mean_average_precision, ap: v.coco_AP, acc: v.accuracy, ll: v.log_loss } : v,
  ),
);
if (!kind) console.log(JSON.stringify(about, null, 1));
