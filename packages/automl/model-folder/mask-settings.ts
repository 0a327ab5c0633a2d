import { type SettingRule, wholeNumber } from './settings.ts';

/** Kinds of pictures that masks are answered as. */
export const MASK_IMAGE_TYPES = ['JPG', 'PNG', 'BMP'] as const;
export type MaskImageType = (typeof MASK_IMAGE_TYPES)[number];

/** What people may change of Mask R-CNN's answers in `artifacts/settings.json`, beside what any detector has. */
export interface MaskSettings {
  /** A pixel belongs to an object when it does so more likely than this. */
  mask_pixel_score_threshold: number;
  /** Most points of each polygon. */
  max_number_of_polygon_points: number;
  /** Masks are answered as pictures rather than as polygons. */
  export_as_image: boolean;
  /** Of these pictures; in capitals or not. */
  image_type: MaskImageType | Lowercase<MaskImageType>;
}

/** The documented ones. */
export const MASK_DEFAULTS: Readonly<MaskSettings> = {
  mask_pixel_score_threshold: 0.5,
  max_number_of_polygon_points: 100,
  export_as_image: false,
  image_type: 'JPG',
};

const MOST_POINTS = 100_000;
const FEWEST_POINTS = 3;

/** What each of them may be. */
export const MASK_RULES: Readonly<Record<keyof MaskSettings, SettingRule>> = {
  mask_pixel_score_threshold: (value) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? null : 'should be a number, 0 … 1',
  max_number_of_polygon_points: (value) =>
    wholeNumber(value, 'of points', MOST_POINTS) ??
    (Number(value) >= FEWEST_POINTS ? null : `should be ${FEWEST_POINTS} or more: fewer points enclose nothing`),
  export_as_image: (value) => (typeof value === 'boolean' ? null : 'should be true or false'),
  image_type: (value) =>
    typeof value === 'string' && (MASK_IMAGE_TYPES as readonly string[]).includes(value.toUpperCase())
      ? null
      : `should be one of ${MASK_IMAGE_TYPES.join(', ')}`,
};
