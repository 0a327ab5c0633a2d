import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copies } from './augmented-photos.ts';
import { drawPhotos, type Photos, realPhotos } from './photos.ts';
import { rate, type Section } from './results.ts';
import { type Bench, Side } from './side.ts';

const MODEL = 'resnet18';
const EPOCHS = 3;
const BATCH = 16;
/** In an epoch, at least. */
const IMAGES = 96;
/** Part of the time. */
const WAITING_GOAL = 0.05;

/** How long training stands still because the next batch is not there. */
export async function waiting(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const rows: string[][] = [];
  try {
    bench.say('waiting: drawing photos');
    const sets: Photos[] = [...(await drawPhotos(join(folder, 'drawn'))), ...realPhotos(join(folder, 'real'))];
    for (const [i, set] of sets.entries()) {
      const files = copies(set, Math.ceil(IMAGES / set.files.length), join(folder, `set-${i}`));
      bench.say(`waiting: ${MODEL}, ${set.name}`);
      const ours = Side.ours('waiting-side.ts');
      const run = { model: MODEL, files, batch: BATCH, epochs: EPOCHS };
      const epochs = await ours.call<{ seconds: number; waited: number }[]>('train_waiting', run);
      ours.close();
      for (const [epoch, { seconds, waited }] of epochs.entries()) {
        const part = waited / seconds;
        const text = `${(part * 100).toFixed(1)} %`;
        rows.push([
          set.name,
          String(epoch + 1),
          rate(files.length, seconds),
          part > WAITING_GOAL ? `**${text}**` : text,
          `≤ ${WAITING_GOAL * 100} %`,
        ]);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Waiting for data',
    text: [
      `Training of ${MODEL} from image files on two cores, one loader worker, batches of ${BATCH}, augmented as for the loader: images per second,`,
      'and the part of the time in which training waits for its next batch, that for the first one of the epoch included.',
    ].join('\n'),
    columns: ['files', 'epoch', 'images/s', 'waited', 'goal'],
    rows,
  };
}
