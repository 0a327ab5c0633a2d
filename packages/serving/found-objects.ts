import type { ObjectPrediction } from './detector.ts';

/** Boxes that a person is shown of many. */
export const SHOWN_BOXES = 20;

/**
 * A short list for people; names are shown as they are given, corners in shares of width and height:
 *
 * ```
 * street.jpg
 *   car         93.1 %  0.102 0.310 – 0.411 0.587
 *   pedestrian  70.4 %  0.640 0.287 – 0.702 0.610
 * ```
 */
export function formatObjects(name: string, { boxes }: ObjectPrediction, { most = SHOWN_BOXES } = {}): string {
  if (boxes.length === 0) return `${name}\n  nothing was found`;
  const shown = boxes.slice(0, most);
  const width = Math.max(...shown.map(({ label }) => label.length));
  const rows = shown.map(({ label, score, box }) => {
    const [x1, y1, x2, y2] = [box.topX, box.topY, box.bottomX, box.bottomY].map((share) => share.toFixed(3));
    return `  ${label.padEnd(width)}  ${(100 * score).toFixed(1).padStart(5)} %  ${x1} ${y1} – ${x2} ${y2}`;
  });
  const rest = boxes.length - shown.length;
  return [name, ...rows, ...(rest > 0 ? [`  and ${rest} more`] : [])].join('\n');
}
