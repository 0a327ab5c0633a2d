/** Names of the numbers in a detector's graph that may be changed after it was written, as `settings.json` calls them. */
export const DETECTION_SETTINGS = {
  /** Least score of a detection. */
  score: 'box_score_thresh',
  /** A box goes that overlaps a better one of its class by more than this. */
  iou: 'nms_iou_thresh',
  /** Most detections of an image. */
  count: 'box_detections_per_img',
} as const;
