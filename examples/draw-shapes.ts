// Draws a small labelled set: one shape a picture, in any colour, size and turn, on a busy ground.
//   .runtime/node examples/draw-shapes.ts [folder]      (default: examples/shapes/data; always the same pictures)
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const labels = ['circle', 'cross', 'square', 'star', 'triangle'] as const;
type Label = (typeof labels)[number];

/** Uniform in [0, 1). */
type Random = () => number;

const seed = 7;

const table = `type: mltable
paths:
  - file: ./annotations.jsonl
transformations:
  - read_json_lines:
      encoding: utf8
      invalid_lines: error
      include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
`;

/**
 * Writes `images/<label>/<label>_<n>.{jpg,png}` and, for each half, a folder with an MLTable and its JSONL. Does nothing where the same
 * pictures have been drawn before; what is half drawn is never left under `folder`.
 *
 * @param perClass pictures of each label in each half
 * @returns how many pictures there are, and whether they were drawn now
 */
export async function drawShapes(
  folder: string,
  perClass = { training: 80, validation: 16 },
): Promise<{ images: number; classes: number; drawn: boolean }> {
  const images = labels.length * (perClass.training + perClass.validation);
  const classes = labels.length;
  const version = createHash('sha256')
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(JSON.stringify(perClass))
    .digest('hex');
  const stamp = join(folder, 'drawn-by');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === version) return { images, classes, drawn: false };

  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  const random = uniform(seed);
  for (const [half, count] of Object.entries(perClass)) {
    const tableFolder = join(partial, `${half}-mltable-folder`);
    await mkdir(tableFolder, { recursive: true });
    const lines: string[] = [];
    for (let i = 0; i < count; i++) {
      for (const label of labels) {
        const format = random() < 0.75 ? 'jpg' : 'png';
        const path = join(partial, 'images', label, `${label}_${half}_${String(i).padStart(2, '0')}.${format}`);
        const { bytes, width, height } = await draw(label, format, random);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, bytes);
        const image_url = relative(tableFolder, path);
        lines.push(JSON.stringify({ image_url, image_details: { format, width, height }, label }));
      }
    }
    await writeFile(join(tableFolder, 'MLTable'), table);
    await writeFile(join(tableFolder, 'annotations.jsonl'), `${lines.join('\n')}\n`);
  }
  await writeFile(join(partial, 'drawn-by'), version);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
  return { images, classes, drawn: true };
}

async function draw(label: Label, format: 'jpg' | 'png', random: Random) {
  const width = 96 + Math.floor(random() * 65);
  const height = 96 + Math.floor(random() * 65);
  const { data } = await sharp(Buffer.from(scene(label, width, height, random)))
    .flatten()
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const grain = 4 + 14 * random();
  for (let i = 0; i < data.length; i++)
    data[i] = Math.max(0, Math.min(255, Math.round(data[i] + grain * normal(random))));
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const bytes = await (format === 'jpg'
    ? picture.jpeg({ quality: 85 })
    : picture.png({ compressionLevel: 6 })
  ).toBuffer();
  return { bytes, width, height };
}

/** The picture as SVG: a ground of two colours, a few thin lines over it, and the shape, filled or as an outline. */
function scene(label: Label, width: number, height: number, random: Random): string {
  const between = (low: number, high: number) => low + (high - low) * random();
  const colour = (lightness: number) =>
    `hsl(${between(0, 360).toFixed(0)} ${between(30, 90).toFixed(0)}% ${lightness.toFixed(0)}%)`;
  const dark = random() < 0.5;
  const ground = () => colour(dark ? between(8, 32) : between(68, 92));
  const ink = colour(dark ? between(62, 85) : between(15, 40));

  // In the middle square, which is what a classifier looks at.
  const side = Math.min(width, height);
  const radius = side * between(0.26, 0.42);
  const [x, y] = [width, height].map((length) => length / 2 + (0.44 * side - radius) * between(-1, 1));
  const outline = random() < 0.3;
  const style = outline ? `fill="none" stroke="${ink}" stroke-width="${between(5, 9).toFixed(1)}"` : `fill="${ink}"`;
  const lines = Array.from({ length: 5 }, () => {
    const [x1, y1, x2, y2] = [width, height, width, height].map((side) => between(0, side).toFixed(0));
    return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${ground()}" stroke-width="${between(1, 4).toFixed(1)}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="ground" gradientTransform="rotate(${between(0, 90).toFixed(0)})">
      <stop offset="0" stop-color="${ground()}"/><stop offset="1" stop-color="${ground()}"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#ground)"/>${lines.join('')}
    <g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${between(0, 360).toFixed(0)}) scale(${radius.toFixed(2)})">
      <path d="${outlines[label]}" ${style} vector-effect="non-scaling-stroke" stroke-linejoin="round"/>
    </g></svg>`;
}

/** Corners at these angles (in turns) and distances from the middle, joined. */
function polygon(corners: [turn: number, distance: number][]): string {
  const points = corners.map(([turn, distance]) => {
    const angle = 2 * Math.PI * turn;
    return `${(distance * Math.cos(angle)).toFixed(4)},${(distance * Math.sin(angle)).toFixed(4)}`;
  });
  return `M${points.join('L')}Z`;
}

const regular = (count: number) => polygon(Array.from({ length: count }, (_, i) => [i / count, 1]));

/** Each shape as an SVG path in a circle of radius 1. */
const outlines: Record<Label, string> = {
  circle: 'M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z',
  cross: 'M-.3,-.95H.3V-.3H.95V.3H.3V.95H-.3V.3H-.95V-.3H-.3Z',
  square: regular(4),
  star: polygon(Array.from({ length: 10 }, (_, i) => [i / 10, i % 2 === 0 ? 1 : 0.4])),
  triangle: regular(3),
};

/** mulberry32: a small generator that gives the same numbers everywhere. */
function uniform(start: number): Random {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number (Box and Muller). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(import.meta.dirname, 'shapes/data'));
  const { images, classes } = await drawShapes(folder);
  console.log(`${relative(process.cwd(), folder)}   ${images} images of ${classes} classes`);
}
