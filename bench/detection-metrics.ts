import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DrawnDetections } from './drawn-detections.ts';
import { judged, type Section } from './results.ts';
import { type Bench, median, Side } from './side.ts';

const GOAL = 5;
const SETS: readonly DrawnDetections[] = [
  { images: 5000, categories: 80, truthsPerImage: 7, detectionsPerImage: 20 },
  { images: 5000, categories: 80, truthsPerImage: 7, detectionsPerImage: 100 },
];

interface Evaluated {
  seconds: number;
  /** The twelve numbers; pycocotools writes −1 for undefined. */
  summary: (number | null)[];
}

/** COCO's evaluation of boxes, as after an epoch on COCO's validation images. */
export async function detectionMetrics(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const ours = Side.ours('detection-metrics-side.ts');
  const theirs = pycocotools();
  const rows: string[][] = [];
  let version: string | null = null;
  try {
    version = theirs && (await theirs.call<{ pycocotools: string }>('versions')).pycocotools;
    for (const drawn of SETS) {
      bench.say(`detection metrics: ${drawn.detectionsPerImage} detections an image`);
      const { images, categories, detectionsPerImage } = drawn;
      const pairs = await ours.call('prepare_evaluation', { drawn, folder });
      const rounds: Evaluated[] = [];
      for (let round = 0; round <= bench.rounds; round++) rounds.push(await ours.call<Evaluated>('evaluate'));
      const seconds = median(rounds.slice(1).map((round) => round.seconds));
      await theirs?.call('prepare_evaluation', { images, categories, folder });
      const reference = theirs && (await theirs.call<Evaluated>('evaluate'));
      rows.push([
        (images * detectionsPerImage).toLocaleString('en'),
        pairs.toLocaleString('en'),
        `${seconds.toFixed(2)} s`,
        reference ? `${reference.seconds.toFixed(1)} s` : '–',
        judged(reference && reference.seconds / seconds, GOAL),
        `≥ ${GOAL}`,
        reference ? largestDifference(rounds[0].summary, reference.summary).toExponential(0) : '–',
      ]);
    }
  } finally {
    for (const side of [ours, theirs]) side?.close();
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Detection metrics',
    text: [
      'COCO evaluation of boxes on 5,000 images with 80 classes and 7 objects an image: matching and curves for ten IoU thresholds, four',
      'area ranges and three numbers of detections, on one thread; reading and grouping the boxes counts on our side only. Pairs: detection',
      'and object of one image and class. The last column is the largest difference of the twelve numbers.',
      version === null
        ? 'There was no Python with pycocotools to compare with: `pip install pycocotools` gives one.'
        : `pycocotools ${version}, evaluate and accumulate, ran once; ours is a median.`,
    ].join('\n'),
    columns: ['detections', 'pairs', 'Fovea', 'pycocotools', 'ratio', 'goal', 'difference'],
    rows,
  };
}

function pycocotools(): Side | null {
  const has = (python: string) => spawnSync(python, ['-c', 'import pycocotools'], { stdio: 'ignore' }).status === 0;
  const python = ['python3', '/usr/bin/python3'].find(has);
  return python ? new Side(python, [fileURLToPath(new URL('reference/coco_bench.py', import.meta.url))]) : null;
}

const largestDifference = (ours: readonly (number | null)[], theirs: readonly (number | null)[]): number =>
  Math.max(...ours.map((value, i) => Math.abs((value ?? -1) - (theirs[i] ?? -1))));
