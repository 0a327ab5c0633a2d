import type { Check } from '@fovea/vision/figures';
import { attribution } from './attribution.ts';
import { classification } from './classification.ts';
import { cocoDetection } from './coco-detection.ts';
import { masks } from './masks.ts';
import { multilabel } from './multilabel.ts';
import { segmentation } from './segmentation.ts';
import { vocDetection } from './voc-detection.ts';
import { xrai } from './xrai.ts';

/** A format of files with recorded figures. */
export interface Kind {
  /** Value of the file's `format` field. */
  format: string;
  /** @throws Error when the file lacks what its format promises */
  check(file: unknown): Iterable<Check>;
}

const KINDS: readonly Kind[] = [
  classification,
  multilabel,
  cocoDetection,
  vocDetection,
  masks,
  segmentation,
  attribution,
  xrai,
];

/**
 * The checks that a file of recorded figures asks for; its `format` field says what it is.
 * @throws Error when that is none of the formats known
 */
export function checksOf(file: unknown): Iterable<Check> {
  const format = typeof file === 'object' && file !== null && 'format' in file ? file.format : undefined;
  const kind = KINDS.find((each) => each.format === format);
  if (kind) return kind.check(file);
  const is = format === undefined ? 'has no "format"' : `is of format ${JSON.stringify(format)}`;
  throw new Error(`${is}; known formats: ${KINDS.map((each) => each.format).join(', ')}`);
}
