import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copies } from './augmented-photos.ts';
import { drawPhotos, type Photos, realPhotos } from './photos.ts';
import { judged, rate, type Section } from './results.ts';
import { type Bench, compare, Side } from './side.ts';

const FIRST_GOAL = 3;
const LATER_GOAL = 8;
const WORKERS = 2;
const BATCH = 16;

/** JPEG files to augmented batches by worker processes or threads, in the first epoch and in later ones. */
export async function loader(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const ours = Side.ours('loader-side.ts');
  const theirs = Side.reference(bench);
  const rows: string[][] = [];
  try {
    bench.say('loader: drawing photos');
    const sets: Photos[] = [...(await drawPhotos(join(folder, 'drawn'))), ...realPhotos(join(folder, 'real'))];
    for (const [i, set] of sets.entries()) {
      const files = copies(set, set.passes, join(folder, `set-${i}`));
      const load = { files, batch: BATCH, workers: WORKERS };
      for (const side of [ours, theirs]) await side?.call('prepare_loading', load);
      for (const [epoch, fresh, goal] of [
        ['first', true, FIRST_GOAL],
        ['later', false, LATER_GOAL],
      ] as const) {
        bench.say(`loader: ${set.name}, ${epoch} epoch`);
        const result = await compare(
          bench.rounds,
          () => ours.call('load_epoch', { fresh }),
          theirs && (() => theirs.call('load_epoch')),
        );
        rows.push([
          set.name,
          epoch,
          rate(files.length, result.ours),
          rate(files.length, result.theirs),
          judged(result.ratio, goal),
          `≥ ${goal}`,
        ]);
      }
    }
  } finally {
    for (const side of [ours, theirs]) side?.close();
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Loader',
    text: [
      `Files per second: read, decode, RandomResizedCrop to 224, flip, ColorJitter(0.4, 0.4, 0.4, 0.1), batches of ${BATCH}, ${WORKERS} workers`,
      "on both sides; Python's are those of a DataLoader, kept alive from epoch to epoch. In the first epoch nothing is in our cache.",
    ].join('\n'),
    columns: ['files', 'epoch', 'Fovea', 'torchvision DataLoader', 'ratio', 'goal'],
    rows,
  };
}
