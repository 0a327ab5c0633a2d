import type { ObjectRecord } from '@fovea/data';
import type { BoxedImage } from './augment.ts';

/**
 * A record's image with its boxes in pixels and its labels as class numbers. Crowds are left out: several objects in one box teach a
 * detector that such a box is one.
 *
 * @param record its size is known
 * @param classes in the order of the model's classes
 * @throws RangeError for a label that is none of the classes, and for an image of unknown size
 */
export function boxedImage(
  { file, source, width, height, objects }: ObjectRecord,
  classes: readonly string[],
): BoxedImage {
  if (!(width > 0 && height > 0)) throw new RangeError(`the size of ${file} is not known`);
  const single = objects.filter(({ crowd }) => !crowd);
  const numbers = single.map(({ label }) => {
    const number = classes.indexOf(label);
    if (number < 0) throw new RangeError(`"${label}" is not a class of the training data`);
    return number;
  });
  const corners = single.flatMap(({ box: [x1, y1, x2, y2] }) => [x1 * width, y1 * height, x2 * width, y2 * height]);
  return { file, source, width, height, boxes: { corners, classes: numbers } };
}
