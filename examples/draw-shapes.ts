// Draws small labelled sets: shapes in any colour, size and turn, on a busy ground. One shape a picture for image classification, none
// to three for multi-label and, with the box of each, for object detection. Always the same pictures.
//   .runtime/node examples/draw-shapes.ts               into examples/shapes/data, examples/scenes/data and examples/things/data
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
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

/** What to draw: pictures of each half, and whether each has one shape, any number of them, or any number with their boxes. */
export interface ShapeSet {
  readonly kind: 'one' | 'several' | 'boxed';
  readonly training: number;
  readonly validation: number;
}

export const shapes: ShapeSet = { kind: 'one', training: 400, validation: 80 };
export const scenes: ShapeSet = { kind: 'several', training: 480, validation: 120 };
export const things: ShapeSet = { kind: 'boxed', training: 240, validation: 60 };

/**
 * Writes pictures below `images/` and, for each half, a folder with an MLTable and its JSONL. Does nothing where the same pictures have
 * been drawn before; what is half drawn is never left under `folder`.
 *
 * @returns how many pictures there are, and whether they were drawn now
 */
export async function drawShapes(
  folder: string,
  set: ShapeSet,
): Promise<{ images: number; classes: number; drawn: boolean }> {
  const drawn = { images: set.training + set.validation, classes: labels.length };
  const version = createHash('sha256')
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(JSON.stringify(set))
    .digest('hex');
  const stamp = join(folder, 'drawn-by');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === version) return { ...drawn, drawn: false };

  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  const random = uniform(seed);
  for (const half of ['training', 'validation'] as const) {
    const tableFolder = join(partial, `${half}-mltable-folder`);
    await mkdir(tableFolder, { recursive: true });
    const lines: string[] = [];
    for (let i = 0; i < set[half]; i++) {
      const format = random() < 0.75 ? 'jpg' : 'png';
      const there = set.kind === 'one' ? [labels[i % labels.length]] : someOf(labels, Math.floor(4 * random()), random);
      const path = join(partial, 'images', set.kind === 'one' ? there[0] : '', fileName(there, half, i, format));
      const { bytes, width, height, objects } = await draw(there, set.kind, format, random);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
      const image_url = relative(tableFolder, path);
      const label = { one: there[0], several: there, boxed: objects }[set.kind];
      lines.push(JSON.stringify({ image_url, image_details: { format, width, height }, label }));
    }
    await writeFile(join(tableFolder, 'MLTable'), table);
    await writeFile(join(tableFolder, 'annotations.jsonl'), `${lines.join('\n')}\n`);
  }
  await writeFile(join(partial, 'drawn-by'), version);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
  return { ...drawn, drawn: true };
}

const fileName = (there: readonly Label[], half: string, i: number, format: string) =>
  `${there.join('_') || 'empty'}_${half}_${String(i).padStart(3, '0')}.${format}`;

/** So many of them, in their order. */
function someOf(all: readonly Label[], count: number, random: Random): Label[] {
  const left = [...all];
  while (left.length > count) left.splice(Math.floor(random() * left.length), 1);
  return left;
}

async function draw(there: readonly Label[], kind: ShapeSet['kind'], format: 'jpg' | 'png', random: Random) {
  const width = 96 + Math.floor(random() * 65);
  const height = 96 + Math.floor(random() * 65);
  const { svg, objects } = scene(there, kind, width, height, random);
  const { data } = await sharp(Buffer.from(svg)).flatten().removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const grain = 4 + 14 * random();
  for (let i = 0; i < data.length; i++)
    data[i] = Math.max(0, Math.min(255, Math.round(data[i] + grain * normal(random))));
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const bytes = await (format === 'jpg'
    ? picture.jpeg({ quality: 85 })
    : picture.png({ compressionLevel: 6 })
  ).toBuffer();
  return { bytes, width, height, objects };
}

/** A shape as annotations of objects have it: corners in shares of width and height. */
interface Boxed {
  label: Label;
  topX: number;
  topY: number;
  bottomX: number;
  bottomY: number;
}

/** The picture as SVG: a ground of two colours, a few thin lines over it, and the shapes, filled or as outlines. */
function scene(
  there: readonly Label[],
  kind: ShapeSet['kind'],
  width: number,
  height: number,
  random: Random,
): { svg: string; objects: Boxed[] } {
  const between = (low: number, high: number) => low + (high - low) * random();
  const colour = (lightness: number) =>
    `hsl(${between(0, 360).toFixed(0)} ${between(30, 90).toFixed(0)}% ${lightness.toFixed(0)}%)`;
  const dark = random() < 0.5;
  const ground = () => colour(dark ? between(8, 32) : between(68, 92));
  const ink = colour(dark ? between(62, 85) : between(15, 40));

  // In the middle square, which is what a classifier looks at: over all of it, or each in a quarter of its own.
  const side = Math.min(width, height);
  const quarters = [0, 1, 2, 3].sort(() => (kind === 'one' ? 0 : random() - 0.5));
  const objects: Boxed[] = [];
  const shape = (label: Label, i: number) => {
    const part = kind === 'one' ? side : side / 2;
    const radius = part * between(0.26, 0.42);
    const [x, y] = [width, height].map((length, axis) => {
      const quarter = kind === 'one' ? 0 : (((quarters[i] >> axis) & 1) - 0.5) * part;
      return length / 2 + quarter + (0.44 * part - radius) * between(-1, 1);
    });
    const outline = random() < 0.3;
    const stroke = kind === 'one' ? between(5, 9) : between(3, 5);
    const style = outline ? `fill="none" stroke="${ink}" stroke-width="${stroke.toFixed(1)}"` : `fill="${ink}"`;
    const turn = between(0, 360);
    const [left, top, right, bottom] = boundsOf(label, turn).map((value) => value * radius);
    const edge = outline ? stroke / 2 : 0;
    objects.push({
      label,
      topX: Math.max(0, x + left - edge) / width,
      topY: Math.max(0, y + top - edge) / height,
      bottomX: Math.min(width, x + right + edge) / width,
      bottomY: Math.min(height, y + bottom + edge) / height,
    });
    return `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${turn.toFixed(0)}) scale(${radius.toFixed(2)})">
      <path d="${outlines[label]}" ${style} vector-effect="non-scaling-stroke" stroke-linejoin="round"/>
    </g>`;
  };
  const lines = Array.from({ length: 5 }, () => {
    const [x1, y1, x2, y2] = [width, height, width, height].map((side) => between(0, side).toFixed(0));
    return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${ground()}" stroke-width="${between(1, 4).toFixed(1)}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="ground" gradientTransform="rotate(${between(0, 90).toFixed(0)})">
      <stop offset="0" stop-color="${ground()}"/><stop offset="1" stop-color="${ground()}"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#ground)"/>${lines.join('')}
    ${there.map(shape).join('')}</svg>`;
  return { svg, objects };
}

/** The box around a shape of radius 1 that is turned by so many degrees: left, top, right, bottom. */
function boundsOf(label: Label, degrees: number): [number, number, number, number] {
  if (label === 'circle') return [-1, -1, 1, 1];
  const angle = (Math.round(degrees) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const xs = corners[label].map(([x, y]) => x * cos - y * sin);
  const ys = corners[label].map(([x, y]) => x * sin + y * cos);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

type Point = readonly [x: number, y: number];

/** Points at these angles (in turns) and distances from the middle. */
const around = (places: [turn: number, distance: number][]): Point[] =>
  places.map(([turn, distance]) => {
    const angle = 2 * Math.PI * turn;
    return [distance * Math.cos(angle), distance * Math.sin(angle)];
  });

const regular = (count: number) => around(Array.from({ length: count }, (_, i) => [i / count, 1]));

const [arm, end] = [0.3, 0.95];

/** Of each shape with corners, in a circle of radius 1. */
const corners: Record<Exclude<Label, 'circle'>, readonly Point[]> = {
  cross: [
    ...([
      [-arm, -end],
      [arm, -end],
      [arm, -arm],
      [end, -arm],
      [end, arm],
      [arm, arm],
    ] as const),
    ...([
      [arm, end],
      [-arm, end],
      [-arm, arm],
      [-end, arm],
      [-end, -arm],
      [-arm, -arm],
    ] as const),
  ],
  square: regular(4),
  star: around(Array.from({ length: 10 }, (_, i) => [i / 10, i % 2 === 0 ? 1 : 0.4])),
  triangle: regular(3),
};

const polygon = (points: readonly Point[]) =>
  `M${points.map(([x, y]) => `${x.toFixed(4)},${y.toFixed(4)}`).join('L')}Z`;

/** Each shape as an SVG path. */
const outlines: Record<Label, string> = {
  circle: 'M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z',
  cross: polygon(corners.cross),
  square: polygon(corners.square),
  star: polygon(corners.star),
  triangle: polygon(corners.triangle),
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
  for (const [name, set] of Object.entries({ shapes, scenes, things })) {
    const folder = join(import.meta.dirname, name, 'data');
    const { images, classes } = await drawShapes(folder, set);
    console.log(`${relative(process.cwd(), folder)}   ${images} images of ${classes} classes`);
  }
}
