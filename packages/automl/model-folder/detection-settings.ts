import { type DetectionSettings, isYolo, type LoaderMetadata } from './layout.ts';
import { LARGEST_SIZE, mergeSettings, type SettingRule, wholeNumber } from './settings.ts';

const MOST_DETECTIONS = 10_000;
const STRIDE = 32;

const box = { box_score_thresh: share, nms_iou_thresh: share };

const REGION_RULES: Readonly<Record<string, SettingRule>> = {
  min_size: pixels,
  max_size: pixels,
  ...box,
  box_detections_per_img: (value) => wholeNumber(value, 'of boxes', MOST_DETECTIONS),
};

const YOLO_RULES: Readonly<Record<string, SettingRule>> = {
  img_size: (value) => pixels(value) ?? (Number(value) % STRIDE === 0 ? null : `should be a multiple of ${STRIDE}`),
  ...box,
};

/**
 * The settings of a detector in force, as `readSettings` does it for a classifier.
 *
 * @throws ModelFolderError
 */
export function readDetectionSettings(edited: unknown, metadata: LoaderMetadata, file: string): DetectionSettings {
  const { settings } = metadata;
  const merge = (rules: Readonly<Record<string, SettingRule>>, fixed: Record<string, unknown>) =>
    mergeSettings(edited, metadata, { rules, fixed, file });
  if (!isYolo(settings)) {
    return merge(REGION_RULES, {}) as unknown as DetectionSettings;
  }
  const { model_size } = settings;
  return { ...merge(YOLO_RULES, { model_size }), model_size } as unknown as DetectionSettings;
}

function pixels(value: unknown): string | null {
  return wholeNumber(value, 'of pixels', LARGEST_SIZE);
}

function share(value: unknown): string | null {
  return typeof value === 'number' && value >= 0 && value <= 1 ? null : 'should be a number, 0 … 1';
}
