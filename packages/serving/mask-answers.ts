import type { MaskSettings } from '@fovea/automl/model-folder';
import { maskPicture } from '@fovea/data';
import { maskPolygons, type RunLengths } from '@fovea/data/masks';
import { pasteMasks, type Size } from '@fovea/vision/transforms';

/** Where an object is beside its box, as Azure's segmentation models answer it: polygons, or a picture where these are asked for. */
export type MaskAnswer =
  | {
      /**
       * One for each part, `[x1, y1, x2, y2, …]` in shares of the image's width and height. A hole is joined to its part by a cut without
       * width, so that the even-odd rule leaves it out. Empty when no pixel passes the threshold.
       */
      polygon: number[][];
    }
  | {
      /** Base64 of a grey picture of the image's size, white where the object is. */
      mask: string;
    };

/** What a network says of the masks of an image. */
export interface NetworkMasks {
  /** Probabilities of the cells of each box `[K, side, side]` */
  masks: Float32Array;
  side: number;
  /** Corners in pixels of the image `[K, 4]` */
  boxes: ArrayLike<number>;
}

/**
 * The masks of an image's objects in the form of the answer, in their order.
 * @param image size in pixels, in which the masks are drawn: that of the original
 */
export function maskAnswers(found: NetworkMasks, image: Size, settings: MaskSettings): Promise<MaskAnswer[]> {
  const pasted = pasteMasks(found, image, settings.mask_pixel_score_threshold);
  return Promise.all(pasted.map((mask) => maskAnswer(mask, settings)));
}

const PICTURE_TYPES = { JPG: 'jpg', PNG: 'png', BMP: 'bmp' } as const;

async function maskAnswer(
  mask: RunLengths,
  {
    export_as_image: asPicture,
    image_type: type,
    max_number_of_polygon_points: mostPoints,
  }: Omit<MaskSettings, 'mask_pixel_score_threshold'>,
): Promise<MaskAnswer> {
  if (asPicture) {
    const kind = PICTURE_TYPES[type.toUpperCase() as keyof typeof PICTURE_TYPES];
    return { mask: (await maskPicture(mask, kind)).toString('base64') };
  }
  const { width, height } = mask;
  const inShares = (polygon: readonly number[]) => polygon.map((value, i) => value / (i % 2 === 0 ? width : height));
  return { polygon: maskPolygons(mask, { mostPoints }).map(inShares) };
}
