import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cocoRoundTrip } from './coco-round-trip.ts';
import { type ObjectRun, objectRuns, RUN_COLUMNS, type RunSet, runMinutes, unpacked } from './object-runs.ts';
import type { Section } from './results.ts';
import type { Bench } from './side.ts';

const MINUTES = runMinutes(8);

const RACCOON: RunSet = { name: 'raccoon', format: 'voc', accepted: [], mayShow: false };
const BCCD: RunSet = { name: 'bccd', format: 'voc', accepted: ['box-without-area'], mayShow: true };

const YOLO = {
  settings: {
    ...{ model_name: 'yolov5', model_size: 'small', image_size: 256 },
    ...{ training_batch_size: 8, optimizer: 'adamw', learning_rate: 0.001 },
  },
  size: '256',
};
const FASTER_RCNN = {
  settings: {
    ...{ model_name: 'fasterrcnn_resnet18_fpn', min_size: 224, max_size: 320 },
    ...{ training_batch_size: 8, optimizer: 'adamw', learning_rate: 0.0005 },
  },
  size: '224 to 320',
};

const RUNS: readonly ObjectRun[] = [
  { set: RACCOON, name: 'raccoon-yolov5', ...YOLO, epochs: 36 },
  { set: RACCOON, name: 'raccoon-fasterrcnn', ...FASTER_RCNN, epochs: 11 },
  { set: BCCD, name: 'bccd-yolov5', ...YOLO, epochs: 24 },
  { set: BCCD, name: 'bccd-fasterrcnn', ...FASTER_RCNN, epochs: 7 },
];

const ABOUT_PICTURES = [
  'Test images: what is annotated, and to its right what the model answers with a score of at least 0.3. The pictures of blood cells are',
  'those of github.com/Shenggan/BCCD_Dataset (MIT License). The raccoons’ photographs were found by searching the web and their rights',
  'are not cleared: their sheets are written to `bench/pictures/` by the command, and are not handed on.',
].join('\n');

/** Detection jobs on real sets as a user has them, in a fixed time and from random weights, judged as served on the test images. */
export async function detectionRuns(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  try {
    const { rows, said, pictures } = await objectRuns(bench, 'image_object_detection', RUNS, MINUTES, folder);
    bench.say('runs: coco200');
    said.push(await cocoRoundTrip(unpacked('coco200', folder)));
    return {
      title: 'Detection runs',
      text: [
        `\`fovea data convert\`, \`fovea job create\` with ${MINUTES} min for each run, and \`fovea evaluate\` on the test images. All weights`,
        'begin random: no published ones are used, so these figures say what some minutes on this machine reach, not what the architectures',
        'can. Loss: of the first and the last epoch. mAP is at an overlap of 0.5, AP is COCO’s over overlaps from 0.5 to 0.95; all count',
        'answers down to a score of 0.05. Images/s: training alone.\n',
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
