import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Decode, imageSize } from '@fovea/data';
import { colourJitter, drawColourJitter, randomResizedCrop, torchRandom } from '@fovea/vision';
import type { Photos } from './photos.ts';

export const SIZE = 224;
const JITTER = colourJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });

interface Photo {
  file: string;
  width: number;
  height: number;
}

/** Photos as a training job asks its loader for them: random parts, at random mirrored, changed in colour. */
export class AugmentedPhotos {
  readonly #photos: readonly Photo[];
  readonly #batch: number;
  #seed = 0;

  private constructor(photos: readonly Photo[], batch: number) {
    this.#photos = photos;
    this.#batch = batch;
  }

  /** Sizes are known before: a job opens every image once, before it trains. */
  static async open(files: readonly string[], batch: number): Promise<AugmentedPhotos> {
    const photos = files.map(async (file) => ({ file, ...(await imageSize({ file })) }));
    return new AugmentedPhotos(await Promise.all(photos), batch);
  }

  /** All photos once, in batches; other parts of them each time. */
  *epoch(): Generator<Decode[]> {
    for (let start = 0; start < this.#photos.length; start += this.#batch) {
      yield this.#photos.slice(start, start + this.#batch).map((photo) => this.#decodeOf(photo));
    }
  }

  #decodeOf({ file, width, height }: Photo): Decode {
    const random = torchRandom(this.#seed++);
    return {
      file,
      crop: randomResizedCrop(width, height, random),
      resize: { width: SIZE, height: SIZE },
      flip: random.uniform(0, 1) < 0.5,
      augment: { colour: drawColourJitter(random, JITTER) },
      fast: true,
    };
  }
}

/** Each photo several times, as files of their own: a cache knows files by their names. */
export function copies({ files }: Photos, times: number, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: times }, (_, pass) =>
    files.map((file, i) => {
      const copy = join(folder, `${pass}-${i}.jpg`);
      copyFileSync(file, copy);
      return copy;
    }),
  ).flat();
}
