import type { ObjectRecord } from '@fovea/data';
import type { OriginalBoxes } from '../yolov5/augment.ts';
import type { BoxedImage } from './augment.ts';

/**
 * A record's image with its boxes in pixels and its labels as class numbers. Crowds are left out: several objects in one box teach a
 * detector that such a box is one.
 *
 * @param record its size is known
 * @param classes in the order of the model's classes
 * @param options.outlines the outlines of objects, too, for Mask R-CNN; crowds of masks are left out like those of boxes. Default false
 * @throws RangeError for a label that is none of the classes, for an image of unknown size, and for an object without the outline that
 *   is asked for
 */
export function boxedImage(
  { file, source, width, height, objects }: ObjectRecord,
  classes: readonly string[],
  { outlines = false }: { outlines?: boolean } = {},
): BoxedImage {
  if (!(width > 0 && height > 0)) throw new RangeError(`the size of ${file} is not known`);
  const single = objects.filter(({ crowd }) => !crowd);
  const numbers = single.map(({ label }) => {
    const number = classes.indexOf(label);
    if (number < 0) throw new RangeError(`"${label}" is not a class of the training data`);
    return number;
  });
  const inPixels = (shares: readonly number[]) => shares.map((share, i) => share * (i % 2 === 0 ? width : height));
  const boxes: OriginalBoxes = { corners: single.flatMap(({ box }) => inPixels(box)), classes: numbers };
  if (outlines) {
    boxes.outlines = single.map(({ label, polygons }) => {
      if (polygons) return polygons.map(inPixels);
      throw new RangeError(`an object of ${file} ("${label}") has a box and no outline`);
    });
  }
  return { file, source, width, height, boxes };
}
