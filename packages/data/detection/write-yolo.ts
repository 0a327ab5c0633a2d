import { mkdir, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { stringify } from 'yaml';
import { boundsOf } from '../masks/polygon-bounds.ts';
import type { Part } from '../split-column.ts';
import type { AnnotatedImage, AnnotatedObject, Losses } from './annotated-image.ts';
import { decimal, flatNames, placeImages } from './output-images.ts';
import { PART_NAMES } from './write-coco.ts';

const DIGITS = 10;

/**
 * Writes `data.yaml`, `images/{train,val,test}/` and `labels/{train,val,test}/`; data that is not split goes to `train`. When every
 * object has an outline, outlines are written, else boxes. Crowds are left out: the format would make objects of them.
 */
export async function writeYolo(
  folder: string,
  sets: ReadonlyMap<Part | undefined, readonly AnnotatedImage[]>,
  classes: readonly string[],
  losses: Losses,
): Promise<string[]> {
  const images = [...sets.values()].flat();
  const names = flatNames(images);
  const objects = images.flatMap((image) => image.objects.filter(({ crowd }) => !crowd));
  const outlined = objects.length > 0 && objects.every(({ polygons }) => polygons !== undefined);
  const numbers = new Map(classes.map((label, i) => [label, i]));
  for (const [part, members] of sets) {
    const where = PART_NAMES[part ?? 'train'];
    await mkdir(join(folder, 'labels', where), { recursive: true });
    await placeImages(
      new Map(members.map((image) => [image, names.get(image) ?? image.name])),
      join(folder, 'images', where),
    );
    for (const image of members) {
      const lines = image.objects.flatMap((object) => lineOf(object, image, { outlined, numbers, losses }));
      const stem = parse(names.get(image) ?? image.name).name;
      await writeFile(join(folder, 'labels', where, `${stem}.txt`), lines.map((line) => `${line}\n`).join(''));
    }
  }
  const parts = [...sets.keys()].map((part) => PART_NAMES[part ?? 'train']);
  // Readers ask for both.
  const folders = Object.fromEntries(parts.map((part) => [part, `images/${part}`]));
  // Without a path they start from the folder of this file.
  const config = { train: 'images/train', val: 'images/train', ...folders, names: classes };
  const file = join(folder, 'data.yaml');
  await writeFile(file, stringify(config));
  return [file];
}

function lineOf(
  { label, box, polygons, crowd, ...more }: AnnotatedObject,
  { source }: AnnotatedImage,
  { outlined, numbers, losses }: { outlined: boolean; numbers: ReadonlyMap<string, number>; losses: Losses },
): string[] {
  if (crowd) {
    losses.add('crowd', 'crowds (difficult objects): they are left out', source);
    return [];
  }
  for (const key of ['truncated', 'occluded', 'pose'] as const)
    if (more[key] !== undefined) losses.add(key, `${key} of objects`, source);
  const number = numbers.get(label);
  if (outlined && polygons) {
    if (polygons.length > 1)
      losses.add('pieces', 'pieces of an outline: lines without width join them to one', source, polygons.length);
    const around = boundsOf(polygons);
    if (around.some((value, i) => Math.abs(value - box[i]) > 1e-3))
      losses.add('box', 'boxes other than those around the outlines', source);
    return [[number, ...joined(polygons).map((value) => decimal(value, DIGITS))].join(' ')];
  }
  if (polygons) losses.add('polygons', 'outlines, for not every object has one; boxes are written', source);
  const [x1, y1, x2, y2] = box;
  return [
    [number, ...[(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1].map((value) => decimal(value, DIGITS))].join(' '),
  ];
}

/** One outline of several: each is joined to those before it where they are nearest, there and back on the same line. */
function joined(polygons: readonly (readonly number[])[]): number[] {
  let all = [...polygons[0]];
  for (const piece of polygons.slice(1)) {
    let best = { distance: Infinity, i: 0, j: 0 };
    for (let i = 0; i < all.length; i += 2)
      for (let j = 0; j < piece.length; j += 2) {
        const distance = (all[i] - piece[j]) ** 2 + (all[i + 1] - piece[j + 1]) ** 2;
        if (distance < best.distance) best = { distance, i, j };
      }
    const { i, j } = best;
    all = [...all.slice(0, i + 2), ...piece.slice(j), ...piece.slice(0, j + 2), ...all.slice(i)];
  }
  return all;
}
