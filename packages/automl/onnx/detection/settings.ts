/** Names of the numbers in a detector's graph that may be changed after it was written, as `settings.json` calls them. */
export const DETECTION_SETTINGS = {
  /** Least score of a detection. */
  score: 'box_score_thresh',
  /** A box goes that overlaps a better one of its class by more than this. */
  iou: 'nms_iou_thresh',
  /** Most detections of an image. */
  count: 'box_detections_per_img',
} as const;

/** The same of Mask R-CNN. */
export const MASK_SETTINGS = {
  /** 1: `masks_i` are as large as the image; 0: they are empty, for a program that makes what it needs of `mask_probabilities_i`. */
  paste: 'paste_masks',
} as const;
