import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Conversion } from '@fovea/data';
import { fovea } from './fovea-command.ts';

interface Annotation {
  image_id: number;
  category_id: number;
  bbox: number[];
  iscrowd: 0 | 1;
  /** Run lengths for crowds. */
  segmentation: number[][] | object;
}

interface CocoFile {
  images: { id: number; file_name: string; width: number; height: number }[];
  categories: { id: number; name: string }[];
  annotations: Annotation[];
}

/** An annotation by names instead of ids. */
interface Named {
  image: string;
  label: string;
  crowd: boolean;
  box: number[];
  /** Null for run lengths. */
  polygons: number[][] | null;
}

/**
 * Reads annotations in COCO's format, and takes them to JSONL, back to COCO, and once more around.
 * @param source folder with `instances_*.json` and `images/`; the copies are written beside it
 * @returns what is to be said of it
 * @throws Error when an annotation did not come back
 */
export async function cocoRoundTrip(source: string): Promise<string> {
  const step = async (input: string, to: 'jsonl' | 'coco', name: string) => {
    const output = `${source}-${name}`;
    return fovea<Conversion>(join(source, '..'), ['data', 'convert', input, output, '--to', to]);
  };
  const read = await step(source, 'jsonl', 'jsonl');
  const back = await step(read.output, 'coco', 'back');
  const again = await step((await step(back.output, 'jsonl', 'jsonl-again')).output, 'coco', 'again');

  const [before, after] = [namedIn(source), namedIn(join(back.output, 'annotations'))];
  if (before.length !== after.length) throw new Error(`${before.length} annotations became ${after.length}`);
  let [boxes, corners] = [0, 0];
  for (const [i, one] of before.entries()) {
    const other = after[i];
    if (one.image !== other.image || one.label !== other.label || one.crowd !== other.crowd)
      throw new Error(
        `annotation ${i + 1}, "${one.label}" of ${one.image}, came back as "${other.label}" of ${other.image}`,
      );
    boxes = Math.max(boxes, difference(one.box, other.box));
    if (one.polygons) corners = Math.max(corners, difference(one.polygons.flat(), other.polygons?.flat() ?? []));
  }
  const crowds = before.filter(({ crowd }) => crowd).length;
  const names = readdirSync(join(back.output, 'annotations'));
  const same = names.every((name) =>
    readFileSync(join(back.output, 'annotations', name)).equals(readFileSync(join(again.output, 'annotations', name))),
  );
  const lost = read.losses.map(({ message, count }) => `${message} (${count})`).join('; ');
  return [
    `coco200 is read: ${read.images} images, ${read.objects.toLocaleString('en')} objects of ${read.classes.length} classes, ${crowds} of them crowds.`,
    `COCO → JSONL → COCO gives all of them back, boxes within ${pixels(boxes)}, corners of outlines within ${pixels(corners)};`,
    `a second time around, the files are ${same ? 'byte for byte the same' : '**not the same**'}. Said not to be carried over: ${lost}.`,
  ].join(' ');
}

const pixels = (value: number) => (value === 0 ? '0 pixels' : `${value.toExponential(0)} pixels`);

function difference(one: readonly number[], other: readonly number[]): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  return one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
}

/** All annotations of the files in a folder, image by image. */
function namedIn(folder: string): Named[] {
  const found = readdirSync(folder)
    .filter((name) => name.startsWith('instances_'))
    .flatMap((name) => {
      const { images, categories, annotations }: CocoFile = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      const fileOf = new Map(images.map(({ id, file_name }) => [id, file_name]));
      const labelOf = new Map(categories.map(({ id, name: label }) => [id, label]));
      return annotations.map(({ image_id, category_id, iscrowd, bbox, segmentation }): Named => {
        const image = fileOf.get(image_id) ?? '';
        return {
          image: image.slice(image.lastIndexOf('/') + 1),
          label: labelOf.get(category_id) ?? '',
          crowd: iscrowd === 1,
          box: bbox,
          polygons: Array.isArray(segmentation) ? segmentation : null,
        };
      });
    });
  // Within an image the order stays as it was.
  return found.sort((a, b) => (a.image < b.image ? -1 : Number(a.image > b.image)));
}
