import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fovea } from './fovea-command.ts';
import { drawPhoto } from './photos.ts';
import type { Bench } from './side.ts';

/** A model, and the size that it is served at: as it was trained, or one at which a network takes no time. */
export interface ServedCase {
  readonly model: string;
  /** Pixels. */
  readonly size: number;
}

/** What the sections on serving measure with. */
export interface ServedModels {
  /** Photos of 500 × 375. */
  readonly files: readonly string[];
  /** Requests to score, one photo each. */
  readonly bodies: readonly string[];
  /** The model folder of a case. */
  folderOf(one: ServedCase): string;
}

const PHOTOS = 16;

/** Draws photos, trains models on them for an epoch, and removes all of it when `work` is done. */
export async function withServedModels<Result>(
  bench: Bench,
  cases: readonly ServedCase[],
  work: (models: ServedModels) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  try {
    bench.say('serving: drawing photos, training models');
    const files = Array.from({ length: PHOTOS }, (_, i) => join(folder, 'photos', i % 2 ? 'a' : 'b', `${i}.jpg`));
    for (const [seed, file] of files.entries()) {
      mkdirSync(dirname(file), { recursive: true });
      await drawPhoto(file, { width: 500, height: 375, seed });
    }
    for (const model of new Set(cases.map((one) => one.model))) {
      const words = ['train', join(folder, 'photos'), '--model', model, '--weights', 'none', '--epochs', '1'];
      await fovea(folder, [...words, '--name', model], { mayEndWith: [1] });
    }
    for (const { model, size } of cases) {
      const copy = join(folder, `${model}-${size}`);
      const trained = join(folder, '.fovea/jobs', model, 'outputs/mlflow-model');
      cpSync(trained, copy, { recursive: true, dereference: true });
      const settings = { valid_resize_size: Math.round((size * 256) / 224), valid_crop_size: size };
      writeFileSync(join(copy, 'artifacts/settings.json'), JSON.stringify(settings));
    }
    const bodies = files.map((file) => {
      const data = [readFileSync(file).toString('base64')];
      return JSON.stringify({ input_data: { columns: ['image'], data } });
    });
    return await work({ files, bodies, folderOf: ({ model, size }) => join(folder, `${model}-${size}`) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
