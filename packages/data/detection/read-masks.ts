import { basename } from 'node:path';
import type { Issue } from '../issue.ts';
import { maskPolygons } from '../masks/mask-polygons.ts';
import { boundsOf } from '../masks/polygon-bounds.ts';
import type { RunLengths } from '../masks/run-lengths.ts';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  type ImporterOptions,
  Losses,
} from './annotated-image.ts';
import { openImageSize } from './image-size.ts';
import { type MaskImage, readMaskImage } from './mask-image.ts';
import { type MaskedImage, maskFoldersIn, masksByName, masksByTable, maskTableIn } from './mask-layout.ts';
import { UNNAMED_CLASS, unnamedClass } from './unnamed-class.ts';

const AT_ONCE = 8;

/** Whether a path holds images with masks beside them, or a table that pairs them. */
export const hasMasks = (path: string): boolean => maskTableIn(path) !== undefined || maskFoldersIn(path).length > 0;

/**
 * Reads pictures of masks: a table with the columns `image` and `mask` (and perhaps `split` and `label`), or folders `images/` and
 * `masks/`, whose files are called alike. What the pictures mean is seen from all of them:
 *
 * - values from 1 on in one picture: each is an object (instance ids), however many pieces it has;
 * - one and the same value in every picture, one picture for an image: each connected part is an object (binary masks);
 * - several pictures for an image, each of one value: each picture is an object.
 *
 * Outlines run along the edges of pixels: drawn again they are the same masks.
 * @param options.label class of the objects, where the table names none; they are called `object` otherwise, with a warning
 */
export async function readMasks(path: string, { imagesFolder, label }: ImporterOptions = {}): Promise<Annotations> {
  const table = maskTableIn(path);
  const layout = table === undefined ? masksByName(path) : await masksByTable(table, imagesFolder);
  const issues: Issue[] = [...layout.issues];
  if (layout.images.length === 0 && issues.length === 0) {
    const hint = 'images/ and masks/ side by side, or a table with the columns image and mask';
    issues.push({
      code: 'no-masks',
      severity: 'error',
      file: path,
      message: 'there are no images with masks in it',
      hint,
    });
  }
  const read: { image: MaskedImage; shown: MaskImage[] }[] = [];
  for (let start = 0; start < layout.images.length; start += AT_ONCE) {
    const some = layout.images.slice(start, start + AT_ONCE);
    for (const one of await Promise.all(some.map(readShown))) {
      if ('shown' in one) read.push(one);
      else issues.push(one);
    }
  }
  const single = read.every(({ shown }) => shown.every(({ masks }) => masks.size <= 1));
  const values = new Set(read.flatMap(({ shown }) => shown.flatMap(({ masks }) => [...masks.keys()])));
  const isBinary = single && values.size === 1 && read.every(({ shown }) => shown.length === 1);
  if (isBinary) {
    const message = 'the masks are binary: each part that hangs together is an object of its own';
    const hint = 'objects that touch need values of their own: 1, 2, 3 …';
    issues.push({ code: 'masks-binary', severity: 'warning', file: table ?? path, message, hint });
  }
  const isNamed = read.every(({ image }) => image.masks.every((mask) => mask.label !== undefined));
  if (label === undefined && read.length > 0 && !isNamed) issues.push(unnamedClass(table ?? path, 'masks'));
  const images = read.map(({ image: { masks, ...image }, shown }): AnnotatedImage => {
    const { width, height } = shown[0];
    const objects = shown.flatMap((picture, i) =>
      objectsOf([...picture.masks.values()], masks[i].label ?? label ?? UNNAMED_CLASS, isBinary),
    );
    return { ...image, width, height, objects };
  });
  const classes = [...new Set(images.flatMap(({ objects }) => objects.map((object) => object.label)))].sort();
  return { images, classes, issues, losses: new Losses() };
}

function objectsOf(masks: readonly RunLengths[], label: string, isBinary: boolean): AnnotatedObject[] {
  return masks.flatMap((mask) => {
    const polygons = maskPolygons(mask).map((polygon) =>
      polygon.map((value, i) => value / (i % 2 === 0 ? mask.width : mask.height)),
    );
    const objects = isBinary ? polygons.map((polygon) => [polygon]) : [polygons];
    return objects.map((pieces) => ({ label, box: boundsOf(pieces), polygons: pieces, crowd: false }));
  });
}

async function readShown(image: MaskedImage): Promise<{ image: MaskedImage; shown: MaskImage[] } | Issue> {
  const wrong = (code: string, message: string, hint?: string): Issue => ({
    ...{ code, severity: 'error', ...image.source, message },
    ...(hint !== undefined && { hint }),
  });
  const size = await openImageSize(image.file);
  if (size === null) return wrong('image-unreadable', `${image.file} cannot be opened as an image`);
  const shown: MaskImage[] = [];
  for (const { file } of image.masks) {
    if (/\.jpe?g$/i.test(file))
      return wrong('mask-jpeg', `the mask ${file} is a JPEG, which changes values`, 'masks are PNG, BMP or TIFF');
    let mask: MaskImage;
    try {
      mask = await readMaskImage(file);
    } catch (error) {
      return wrong('mask-unreadable', `${file} cannot be read: ${error instanceof Error ? error.message : error}`);
    }
    if (mask.width !== size.width || mask.height !== size.height) {
      const sizes = `${mask.width} × ${mask.height} pixels, its image ${size.width} × ${size.height}`;
      return wrong('mask-size', `the mask ${basename(file)} has ${sizes}`, 'a mask has the size of its image');
    }
    shown.push(mask);
  }
  return { image, shown };
}
