import { readTileGrid, type TileGrid } from '@fovea/vision/transforms';
import { type DetectionSettings, isYolo, type LoaderMetadata, type TileSettings } from './layout.ts';
import { MASK_RULES } from './mask-settings.ts';
import { LARGEST_SIZE, mergeSettings, type SettingRule, wholeNumber } from './settings.ts';

const MOST_DETECTIONS = 10_000;
const STRIDE = 32;

const box = { box_score_thresh: share, nms_iou_thresh: share };

const orDefault =
  (rule: SettingRule): SettingRule =>
  (value) =>
    value === undefined ? null : rule(value);

const tiles: Record<keyof TileSettings, SettingRule> = {
  tile_grid_size: orDefault((value) => {
    const read = value === null ? {} : readTileGrid(value);
    return 'wrong' in read ? `should be ${read.wrong}; or null, without tiles` : null;
  }),
  tile_overlap_ratio: orDefault((value) =>
    typeof value === 'number' && value >= 0 && value < 1 ? null : 'should be a number from 0 up to but not including 1',
  ),
  tile_predictions_nms_thresh: orDefault(share),
};

const regions: Readonly<Record<string, SettingRule>> = {
  min_size: pixels,
  max_size: pixels,
  ...box,
  box_detections_per_img: (value) => wholeNumber(value, 'of boxes', MOST_DETECTIONS),
};

const REGION_RULES: Readonly<Record<string, SettingRule>> = { ...regions, ...tiles };

const MASK_DETECTOR_RULES: Readonly<Record<string, SettingRule>> = { ...regions, ...MASK_RULES };

const YOLO_RULES: Readonly<Record<string, SettingRule>> = {
  img_size: (value) => pixels(value) ?? (Number(value) % STRIDE === 0 ? null : `should be a multiple of ${STRIDE}`),
  ...box,
  ...tiles,
};

/**
 * The settings of a detector in force, as `readSettings` does it for a classifier.
 *
 * @throws ModelFolderError
 */
export function readDetectionSettings(edited: unknown, metadata: LoaderMetadata, file: string): DetectionSettings {
  const { settings } = metadata;
  const merge = (rules: Readonly<Record<string, SettingRule>>, fixed: Record<string, unknown>) => {
    const merged = Object.entries(mergeSettings(edited, metadata, { rules, fixed, file }));
    return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
  };
  if (metadata.task === 'image_instance_segmentation') {
    return merge(MASK_DETECTOR_RULES, {}) as unknown as DetectionSettings;
  }
  if (!isYolo(settings)) {
    return merge(REGION_RULES, {}) as unknown as DetectionSettings;
  }
  const { model_size } = settings;
  return { ...merge(YOLO_RULES, { model_size }), model_size } as unknown as DetectionSettings;
}

/** The tiles that images are looked at in, and what is done with boxes that overlap then; null: images are looked at as wholes alone. */
export function tilesIn({
  tile_grid_size: size = null,
  tile_overlap_ratio: overlap = 0.25,
  tile_predictions_nms_thresh: iouThreshold = 0.25,
}: TileSettings): { grid: TileGrid; iouThreshold: number } | null {
  const read = size === null ? { wrong: '' } : readTileGrid(size);
  return 'wrong' in read ? null : { grid: { ...read, overlap }, iouThreshold };
}

function pixels(value: unknown): string | null {
  return wholeNumber(value, 'of pixels', LARGEST_SIZE);
}

function share(value: unknown): string | null {
  return typeof value === 'number' && value >= 0 && value <= 1 ? null : 'should be a number, 0 … 1';
}
