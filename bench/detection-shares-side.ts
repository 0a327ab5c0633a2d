// Where the time of a detector's training goes, measured in the loop that jobs run; see detection-training.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshTrial, parseJob, prepareJob, type RunEvent, runJobTrial } from '@fovea/automl';
import { ImageCache } from '@fovea/data';
import { setNumThreads, Tensor } from '@fovea/torch';
import { YoloV5 } from '@fovea/vision';
import { answerRequests } from './answer-requests.ts';
import { drawPhoto } from './photos.ts';

setNumThreads(2);

interface Run {
  folder: string;
  images: number;
  batch: number;
  size: number;
  epochs: number;
}

/** Milliseconds of all measured steps by what they went to. */
interface Shares {
  data: number;
  forward: number;
  matching: number;
  backward: number;
  optimizer: number;
}

await answerRequests({
  /** Trains YOLOv5 small on drawn photographs; the first epoch warms up. @returns what the steps of the others took, and their number */
  async shares({ folder, images, batch, size, epochs }: Run): Promise<{ shares: Shares; steps: number }> {
    await drawData(folder, images, 6);
    const { job, issues } = parseJob(jobOf({ batch, size, epochs }), { file: 'job.yml' });
    if (!job) throw new Error(JSON.stringify(issues));
    const shares: Shares = { data: 0, forward: 0, matching: 0, backward: 0, optimizer: 0 };
    let steps = 0;
    let isCounted = false;
    let last = 0;
    /** What went on since the last mark. */
    const mark = (part: keyof Shares) => {
      const now = performance.now();
      if (isCounted) shares[part] += now - last;
      last = now;
    };
    const restore = [
      around(YoloV5.prototype, 'forward', { before: () => mark('data'), after: () => mark('forward') }),
      around(Tensor.prototype, 'backward', { before: () => mark('matching'), after: () => mark('backward') }),
    ];
    const ended = new AbortController();
    const onEvent = (event: RunEvent) => {
      if (event.type !== 'step') return;
      mark('optimizer');
      if (isCounted) steps++;
      // What lies between epochs, checkpoints, is no part of a step.
      isCounted = event.step < event.steps ? event.epoch > 1 : false;
      if (event.step === event.steps && event.epoch === event.epochs) ended.abort();
    };
    const { signal } = ended;
    const place = { folder: join(folder, 'job'), cacheFolder: folder };
    const setting = await prepareJob(
      job,
      { baseFolder: folder, weights: 'none', fitToData: false },
      { ...place, findRun: async () => null, resumes: false, report: () => {}, signal },
    );
    const record = freshTrial('shares', 0);
    const imageCache = ImageCache.create({ folder: join(folder, 'cache') });
    const trial = { ...{ job: { ...job, name: 'shares' }, setting, draw: {}, record, imageCache }, ...place };
    const rest = { threads: 2, isTimeUp: () => false, keep: async () => {}, endsBecause: async () => null };
    try {
      await runJobTrial(trial, { ...rest, report: onEvent, signal }).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (record.status === 'Failed') throw new Error(record.error);
    } finally {
      for (const undo of restore) undo();
    }
    return { shares, steps };
  },
});

/** Calls the given functions around each call of a method. @returns what takes them away again */
function around<K extends string>(
  owner: Record<K, (...args: never[]) => unknown>,
  name: K,
  { before, after }: { before: () => void; after: () => void },
): () => void {
  const method = owner[name];
  owner[name] = function (this: unknown, ...args: never[]) {
    before();
    const result = method.apply(this, args);
    after();
    return result;
  };
  return () => {
    owner[name] = method;
  };
}

function jobOf({ batch, size, epochs }: Pick<Run, 'batch' | 'size' | 'epochs'>): string {
  return [
    'type: automl',
    'task: image_object_detection',
    'target_column_name: label',
    'training_data: {path: data.jsonl}',
    'validation_data: {path: data.jsonl}',
    'training_parameters:',
    '  model_name: yolov5',
    '  model_size: small',
    `  image_size: ${size}`,
    `  training_batch_size: ${batch}`,
    `  number_of_epochs: ${epochs}`,
    `  evaluation_frequency: ${epochs}`,
  ].join('\n');
}

/** Photographs with boxes; where these lie is nothing to the time that they take. */
async function drawData(folder: string, images: number, perImage: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const [width, height] = [800, 600];
  const lines: string[] = [];
  for (let i = 0; i < images; i++) {
    const file = `${i}.jpg`;
    await drawPhoto(join(folder, file), { width, height, seed: i });
    const label = Array.from({ length: perImage }, (_, n) => {
      const [topX, topY] = [(n + (i % 3) / 3) / (perImage + 2), ((n * 5 + i) % 7) / 10];
      return {
        label: `class ${(n + i) % 20}`,
        topX,
        topY,
        bottomX: topX + 0.1 + n / 50,
        bottomY: topY + 0.25,
        isCrowd: 0,
      };
    });
    lines.push(JSON.stringify({ image_url: file, image_details: { format: 'jpg', width, height }, label }));
  }
  writeFileSync(join(folder, 'data.jsonl'), `${lines.join('\n')}\n`);
}
