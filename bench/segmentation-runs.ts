import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ObjectRun, objectRuns, RUN_COLUMNS, runMinutes } from './object-runs.ts';
import type { Section } from './results.ts';
import type { Bench } from './side.ts';

const MINUTES = runMinutes(14);

const MASK_RCNN = {
  ...{ model_name: 'maskrcnn_resnet18_fpn', training_batch_size: 4 },
  ...{ optimizer: 'adamw', learning_rate: 0.0005 },
};

const RUNS: readonly ObjectRun[] = [
  {
    set: { name: 'penn_fudan', format: 'masks', label: 'pedestrian', accepted: [], mayShow: false },
    name: 'penn_fudan-maskrcnn',
    settings: { ...MASK_RCNN, min_size: 240, max_size: 320 },
    size: '240 to 320',
    epochs: 16,
  },
  {
    set: { name: 'nuclei_dsb2018', format: 'masks', label: 'nucleus', accepted: [], mayShow: true },
    name: 'nuclei_dsb2018-maskrcnn',
    // Nuclei are smaller than the smallest anchors unless images are enlarged, and an image has up to 120 of them.
    settings: { ...MASK_RCNN, min_size: 320, max_size: 400, box_detections_per_image: 150 },
    size: '320 to 400',
    epochs: 7,
  },
];

const ABOUT_PICTURES = [
  'Test images: what is annotated, and to its right what the model answers with a score of at least 0.3. The pictures of nuclei are those',
  'of the 2018 Data Science Bowl (BBBC038, CC0 1.0). The Penn-Fudan photographs have no licence: their sheet is written to',
  '`bench/pictures/` by the command, and is not handed on.',
].join('\n');

/** Segmentation jobs on real sets as a user has them, in a fixed time and from random weights, judged as served on the test images. */
export async function segmentationRuns(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  try {
    const { rows, said, pictures } = await objectRuns(bench, 'image_instance_segmentation', RUNS, MINUTES, folder);
    return {
      title: 'Segmentation runs',
      text: [
        `As the detection runs, with ${MINUTES} min for each: all weights begin random. Masks are judged, by the overlap of their pixels. COCO-`,
        'pretrained, a Mask R-CNN with ResNet-50 reaches a mask AP of 0.76 on Penn-Fudan in ten epochs (torchvision’s tutorial).\n',
        ...said.map((line) => `* ${line}`),
        '',
      ].join('\n'),
      columns: RUN_COLUMNS,
      rows,
      after: [ABOUT_PICTURES, ...pictures].join('\n\n'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
