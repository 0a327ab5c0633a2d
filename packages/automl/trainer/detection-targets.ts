import { fromTypedArray, ops, type Tensor, tensor } from '@fovea/torch';
import { type DetectionTarget, outlineMasks, type SampleBoxes, type Size } from '@fovea/vision';

/** What is to be found in an image as a detector looks at it. */
export interface WantedObjects {
  /** Of the image, in pixels. */
  readonly size: Size;
  /** With outlines where masks are to be found. */
  readonly boxes: Pick<SampleBoxes, 'corners' | 'classes' | 'outlines'>;
}

/**
 * What a detector should find, in tensors that travel to the device at once. Masks are drawn here, for one step of training and in the
 * size of its images: of a whole data set they would be many times as large as its pictures.
 */
export function targetsOf(images: readonly WantedObjects[], device: string): DetectionTarget[] {
  const counts = images.map(({ boxes: { classes } }) => classes.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const corners = new Float32Array(4 * total);
  let at = 0;
  for (const { boxes } of images) {
    corners.set(boxes.corners, at);
    at += boxes.corners.length;
  }
  const boxes = ops.splitWithSizes(fromTypedArray(corners, [total, 4]).to({ device }), counts);
  const labels = tensor(
    images.flatMap((image) => [...image.boxes.classes]),
    { dtype: 'int64', device },
  );
  const ofImages = ops.splitWithSizes(labels.view([total]), counts);
  return images.map((image, i) => {
    const masks = masksOf(image, device);
    return { boxes: boxes[i], labels: ofImages[i], ...(masks && { masks }) };
  });
}

function masksOf({ size, boxes: { outlines } }: WantedObjects, device: string): Tensor | null {
  if (!outlines || outlines.length === 0) return null;
  return fromTypedArray(outlineMasks(outlines, size), [outlines.length, size.height, size.width]).to({ device });
}
