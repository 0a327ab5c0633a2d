import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transform } from './images-side.ts';
import { drawPhotos, type Photos, realPhotos } from './photos.ts';
import { judged, rate, type Section } from './results.ts';
import { type Bench, compare, Side } from './side.ts';

const GOAL = 3;
const TRANSFORMS: readonly Transform[] = ['training', 'validation'];

/** JPEG files to pixels of the network's size: on one core beside Pillow, and on all cores through the loader. */
export async function images(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const ours = Side.ours('images-side.ts', { core: 0 });
  const theirs = Side.reference(bench, { core: 0 });
  const loading = Side.ours('images-side.ts');
  const rows: string[][] = [];
  try {
    bench.say('images: drawing photos');
    const sets: Photos[] = [...(await drawPhotos(join(folder, 'drawn'))), ...realPhotos(join(folder, 'real'))];
    for (const { name, files, passes } of sets) {
      for (const side of [ours, theirs, loading]) await side?.call('prepare_decoding', { files });
      for (const transform of TRANSFORMS) {
        bench.say(`images: ${name}, ${transform}`);
        const decode = { transform, passes };
        const oneCore = await compare(
          bench.rounds,
          () => ours.call('decode', decode),
          theirs && (() => theirs.call('decode', decode)),
        );
        const allCores = await compare(bench.rounds, () => loading.call('load', decode), null);
        const count = files.length * passes;
        rows.push([
          name,
          transform,
          rate(count, oneCore.ours),
          rate(count, oneCore.theirs),
          judged(oneCore.ratio, GOAL),
          `≥ ${GOAL}`,
          rate(count, allCores.ours),
        ]);
      }
    }
  } finally {
    for (const side of [ours, theirs, loading]) side?.close();
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Images',
    text: [
      'Files per second, both sides on one core. Training: read, decode, RandomResizedCrop to 224, flip; ours may decode a JPEG',
      'at a fraction of its size. Validation: read, decode, resize to 256, centre crop of 224; bit for bit the same pixels on both',
      `sides. The last column is our loader with a worker for each of ${availableParallelism()} cores.`,
    ].join('\n'),
    columns: ['files', 'transform', 'Fovea', 'torchvision and Pillow', 'ratio', 'goal', 'all cores'],
    rows,
  };
}
