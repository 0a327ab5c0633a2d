import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { polygonArea } from '../masks/polygon-area.ts';
import type { Part } from '../split-column.ts';
import type { AnnotatedImage, Losses } from './annotated-image.ts';
import { decimal, flatNames, placeImages } from './output-images.ts';
import { writeLines } from './write-object-table.ts';

/** A part of the data as formats call it in names of files and folders. */
export const PART_NAMES: Readonly<Record<Part, string>> = { train: 'train', validation: 'val', test: 'test' };

/** A millionth of a pixel: enough to come back to the same share of the image. */
const DIGITS = 6;

/**
 * Writes `annotations/instances_{train,val,test}.json` and `images/`; all in `annotations/instances.json` when the data is not
 * split. Ids count from 1. The area is that of the outline, else that of the box. Crowds are written with their polygons, not as
 * run lengths.
 */
export async function writeCoco(
  folder: string,
  sets: ReadonlyMap<Part | undefined, readonly AnnotatedImage[]>,
  classes: readonly string[],
  losses: Losses,
): Promise<string[]> {
  await mkdir(join(folder, 'annotations'), { recursive: true });
  const names = flatNames([...sets.values()].flat());
  await placeImages(names, join(folder, 'images'));
  const written: string[] = [];
  const categories = new Map(classes.map((name, i) => [name, i + 1]));
  for (const [part, images] of sets) {
    const file = join(
      folder,
      'annotations',
      part === undefined ? 'instances.json' : `instances_${PART_NAMES[part]}.json`,
    );
    await writeLines(file, document(images, categories, names, losses));
    written.push(file);
  }
  return written;
}

function* document(
  images: readonly AnnotatedImage[],
  categories: ReadonlyMap<string, number>,
  names: ReadonlyMap<AnnotatedImage, string>,
  losses: Losses,
): Generator<string> {
  yield '{"images": [';
  for (const [i, image] of images.entries()) {
    const { width, height } = image;
    yield JSON.stringify({ id: i + 1, file_name: names.get(image), width, height }) +
      (i < images.length - 1 ? ',' : '');
  }
  yield '], "categories": [';
  yield [...categories].map(([name, id]) => JSON.stringify({ id, name })).join(',\n');
  yield '], "annotations": [';
  let id = 0;
  for (const [i, { width, height, objects, source }] of images.entries()) {
    for (const object of objects) {
      for (const key of ['truncated', 'occluded', 'pose'] as const)
        if (object[key] !== undefined) losses.add(key, `${key} of objects`, source);
      const [x1, y1, x2, y2] = object.box;
      const bbox = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height].map((value) =>
        decimal(value, DIGITS),
      );
      const segmentation = (object.polygons ?? []).map((polygon) =>
        polygon.map((value, k) => decimal(value * (k % 2 === 0 ? width : height), DIGITS)),
      );
      const area =
        segmentation.length > 0
          ? segmentation.reduce((sum, polygon) => sum + polygonArea(polygon), 0)
          : bbox[2] * bbox[3];
      const annotation = {
        ...{ id: ++id, image_id: i + 1, category_id: categories.get(object.label) },
        ...{ bbox, area: decimal(area, DIGITS), iscrowd: object.crowd ? 1 : 0 },
        // Readers take an empty list for an object without outline.
        segmentation,
      };
      yield (id > 1 ? ',' : '') + JSON.stringify(annotation);
    }
  }
  yield ']}';
}
