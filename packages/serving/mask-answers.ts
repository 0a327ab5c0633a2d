import type { MaskSettings } from '@fovea/automl/model-folder';
import { maskPicture } from '@fovea/data/mask-picture';
import { maskPolygons, type RunLengths } from '@fovea/data/masks';

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

/** How masks are answered; which pixels are theirs was settled before. */
type AnswerSettings = Omit<MaskSettings, 'mask_pixel_score_threshold'>;

/** The masks of an image's objects in the form of the answer, in their order. */
export async function maskAnswers(masks: readonly RunLengths[], settings: AnswerSettings): Promise<MaskAnswer[]> {
  const answers: MaskAnswer[] = [];
  // One after the other: a picture of each at once is many times the image.
  for (const mask of masks) answers.push(await maskAnswer(mask, settings));
  return answers;
}

const PICTURE_TYPES = { JPG: 'jpg', PNG: 'png', BMP: 'bmp' } as const;

async function maskAnswer(
  mask: RunLengths,
  { export_as_image: asPicture, image_type: type, max_number_of_polygon_points: mostPoints }: AnswerSettings,
): Promise<MaskAnswer> {
  if (asPicture) {
    const kind = PICTURE_TYPES[type.toUpperCase() as keyof typeof PICTURE_TYPES];
    return { mask: (await maskPicture(mask, kind)).toString('base64') };
  }
  return { polygon: normalisedOutline(mask, mostPoints) };
}

/** The polygons of a mask in shares of the image's width and height, as `maskPolygons` makes them. */
export function normalisedOutline(mask: RunLengths, mostPoints: number): number[][] {
  const { width, height } = mask;
  const inShares = (polygon: readonly number[]) => polygon.map((value, i) => value / (i % 2 === 0 ? width : height));
  return maskPolygons(mask, { mostPoints }).map(inShares);
}
