import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawPhoto } from './photos.ts';
import type { Section } from './results.ts';
import { type Bench, Side } from './side.ts';

const MODELS = ['resnet18', 'mobilenetv2'];
const BATCH = 8;
const SIZE = 224;
/** Percent between the two looks. */
const GOAL = 5;

/** Whether memory stays where it is while a network trains, with a loader, on images of one shape. */
export async function memory(bench: Bench): Promise<Section> {
  // A round more or less says nothing here: few rounds are for trying the bench out.
  const marks = bench.rounds < 3 ? [10, 20] : [50, 300];
  const [early, late] = marks;
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const rows: string[][] = [];
  try {
    const files = Array.from({ length: 16 }, (_, i) => join(folder, `${i}.jpg`));
    for (const [seed, file] of files.entries()) await drawPhoto(file, { width: 500, height: 375, seed });
    for (const model of MODELS) {
      bench.say(`memory: ${model}, ${late} steps`);
      const side = Side.ours('memory-side.ts');
      const [before, after] = await side.call<number[]>('resident_after', {
        model,
        files,
        batch: BATCH,
        size: SIZE,
        marks,
      });
      side.close();
      const growth = (after / before - 1) * 100;
      const text = `${growth >= 0 ? '+' : '−'}${Math.abs(growth).toFixed(1)} %`;
      const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
      rows.push([model, mib(before), mib(after), Math.abs(growth) > GOAL ? `**${text}**` : text, `within ${GOAL} %`]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Memory',
    text: `Resident memory of a process that trains from image files: batches of ${BATCH} at ${SIZE} px, arithmetic as a job chooses it, one loader worker.`,
    columns: ['model', `after step ${early}`, `after step ${late}`, 'growth', 'goal'],
    rows,
  };
}
