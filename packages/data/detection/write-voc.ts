import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { XMLBuilder } from 'fast-xml-parser';
import type { Part } from '../split-column.ts';
import type { AnnotatedImage, Losses } from './annotated-image.ts';
import { decimal, flatNames, placeImages } from './output-images.ts';
import { PART_NAMES } from './write-coco.ts';
import { writeLines } from './write-object-table.ts';

const builder = new XMLBuilder({ format: true, suppressEmptyNode: false });

/**
 * Writes `Annotations/`, `JPEGImages/` and, for data that is split, `ImageSets/Main/{train,val,test}.txt`. Coordinates are pixels
 * from 0, with decimals where they are not whole, as `readVoc` takes them; crowds are written as `difficult`.
 */
export async function writeVoc(
  folder: string,
  sets: ReadonlyMap<Part | undefined, readonly AnnotatedImage[]>,
  classes: readonly string[],
  losses: Losses,
): Promise<string[]> {
  const images = [...sets.values()].flat();
  const names = flatNames(images);
  await mkdir(join(folder, 'Annotations'), { recursive: true });
  await placeImages(names, join(folder, 'JPEGImages'));
  const used = new Set(images.flatMap(({ objects }) => objects.map(({ label }) => label)));
  const unused = classes.filter((label) => !used.has(label));
  if (unused.length > 0)
    losses.add(
      'unused-classes',
      `classes that no object has (${unused.slice(0, 10).join(', ')})`,
      { file: folder },
      unused.length,
    );
  for (const [image, name] of names)
    await writeFile(join(folder, 'Annotations', `${parse(name).name}.xml`), xmlOf(image, name, losses));
  const written = [join(folder, 'Annotations')];
  for (const [part, members] of sets) {
    if (part === undefined) continue;
    await mkdir(join(folder, 'ImageSets', 'Main'), { recursive: true });
    const file = join(folder, 'ImageSets', 'Main', `${PART_NAMES[part]}.txt`);
    await writeLines(
      file,
      members.map((image) => parse(names.get(image) ?? '').name),
    );
    written.push(file);
  }
  return written;
}

function xmlOf({ width, height, objects, source }: AnnotatedImage, name: string, losses: Losses): string {
  const object = objects.map(({ label, box, crowd, polygons, truncated, occluded, pose }) => {
    if (polygons) losses.add('polygons', 'outlines of objects; their boxes are written', source);
    const [xmin, ymin, xmax, ymax] = box.map((value, i) => decimal(value * (i % 2 === 0 ? width : height), 6));
    return {
      name: label,
      pose: pose ?? 'Unspecified',
      truncated: Number(truncated ?? false),
      ...(occluded && { occluded: 1 }),
      difficult: Number(crowd),
      bndbox: { xmin, ymin, xmax, ymax },
    };
  });
  const size = { width, height, depth: 3 };
  return builder.build({ annotation: { folder: 'JPEGImages', filename: basename(name), size, segmented: 0, object } });
}
