import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Create } from 'sharp';

/** Images of one kind, for decoding. */
export interface Photos {
  name: string;
  files: string[];
  /** How often a round decodes each: enough to take some tenths of a second, and for compilers to be done after the first. */
  passes: number;
}

const DRAWN = [
  { width: 500, height: 375, count: 24, passes: 8 },
  { width: 1280, height: 960, count: 8, passes: 6 },
  { width: 4000, height: 3000, count: 2, passes: 3 },
];

/** Draws what a camera could have taken, several sizes of it: JPEG of quality 88. Takes a second or two. */
export async function drawPhotos(folder: string): Promise<Photos[]> {
  mkdirSync(folder, { recursive: true });
  return Promise.all(
    DRAWN.map(async ({ width, height, count, passes }) => {
      const files = Array.from({ length: count }, (_, i) => join(folder, `${width}x${height}-${i}.jpg`));
      for (const [seed, file] of files.entries()) await drawPhoto(file, { width, height, seed });
      return { name: `drawn, ${width} × ${height}`, files, passes };
    }),
  );
}

/** Soft light, a horizon, things with edges before it, and the grain of a sensor. */
export async function drawPhoto(
  file: string,
  { width, height, seed, subject }: { width: number; height: number; seed: number; subject?: 'circles' | 'squares' },
): Promise<void> {
  const random = randomNumbers(seed + 1);
  const colour = () => `hsl(${Math.floor(random() * 360)} ${30 + random() * 50}% ${20 + random() * 60}%)`;
  const things = Array.from({ length: 24 }, () => {
    const [x, y, size] = [random() * width, random() * height, (0.02 + random() * 0.12) * width];
    const round = subject === undefined ? random() < 0.5 : subject === 'circles';
    return round
      ? `<circle cx="${x}" cy="${y}" r="${size / 2}" fill="${colour()}"/>`
      : `<rect x="${x - size / 2}" y="${y - size / 2}" width="${size}" height="${size}" fill="${colour()}"/>`;
  });
  const gradient = (id: string) =>
    `<linearGradient id="${id}" x2="${random()}" y2="1"><stop stop-color="${colour()}"/><stop offset="1" stop-color="${colour()}"/></linearGradient>`;
  const scene = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs>${gradient('sky')}${gradient('ground')}</defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>
    <rect y="${(0.4 + random() * 0.3) * height}" width="100%" height="100%" fill="url(#ground)"/>
    ${things.join('\n')}
  </svg>`;
  const noise: Create = {
    width,
    height,
    channels: 3,
    background: 'grey',
    noise: { type: 'gaussian', mean: 128, sigma: 24 },
  };
  const grain = await sharp({ create: noise }).blur(0.7).raw().toBuffer();
  await sharp(Buffer.from(scene))
    .removeAlpha()
    .composite([{ input: grain, raw: { width, height, channels: 3 }, blend: 'soft-light' }])
    .jpeg({ quality: 88 })
    .toFile(file);
}

/** Numbers of 0 … 1 that are the same for a seed. Steele et al. 2014, SplitMix; as mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Photographs of a data set, where `FOVEA_SHARED` (default: `../shared` beside the repository) has it. */
export function realPhotos(folder: string): Photos[] {
  const shared = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
  const archive = join(shared, 'data', 'ants_bees', 'images.tar');
  if (!existsSync(archive)) return [];
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['--extract', '--file', archive, '--directory', folder]);
  const all = globSync('**/*.jpg', { cwd: folder }).sort();
  const files = all.filter((_, i) => i % 8 === 0).map((file) => join(folder, file));
  return [{ name: 'photographs of ants_bees', files, passes: 4 }];
}
