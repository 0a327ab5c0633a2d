/** Test support: figures recorded from torchvision and Pillow, and their pictures. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const FIXTURES = fileURLToPath(new URL('../fixtures/transforms/', import.meta.url));
const SHARED = `${process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url))}/parity/transforms/`;

interface Exact {
  shape_hwc: [number, number, number];
  sha256_of_hwc_bytes: string;
}

interface Values {
  shape: number[];
  mean: number;
  std: number;
  first: number[];
  at: [number, number][];
}

export interface Figures {
  image: string;
  size_wh: [number, number];
  factors: { brightness: number; contrast: number; saturation: number; hue: number };
  normalize: { mean: number[]; std: number[] };
  decoded: Exact;
  resize_256_pil: Exact;
  resize_256_centercrop_224_pil: Exact;
  resize_256_centercrop_224_totensor_normalize: Values;
  hflip_totensor: Values;
  colorjitter_pil: Record<string, Exact>;
  random_resized_crop_params_by_seed: { params: Record<string, [number, number, number, number]> };
}

export interface Picture {
  figures: Figures;
  width: number;
  height: number;
  /** RGB, H × W × 3 */
  pixels: Uint8Array;
}

/** The two pictures that are kept in the repository, or all four where the shared parity folder is there. */
export async function pictures(): Promise<Picture[]> {
  const folder = existsSync(SHARED) ? SHARED : FIXTURES;
  const names = folder === SHARED ? ['img_a', 'img_b', 'img_c', 'img_d'] : ['img_c', 'img_d'];
  return Promise.all(
    names.map(async (name) => {
      const figures: Figures = JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8'));
      const { data, info } = await sharp(`${folder}${figures.image}`).raw().toBuffer({ resolveWithObject: true });
      return { figures, width: info.width, height: info.height, pixels: new Uint8Array(data) };
    }),
  );
}
