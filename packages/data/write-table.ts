import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { ImageRecord, LabelKind } from './dataset.ts';
import { DETAIL_FORMATS } from './image-details.ts';

/** Name of the annotations beside an MLTable that Fovea writes. */
export const ANNOTATIONS = 'annotations.jsonl';

const MLTABLE = `paths:
  - file: ./${ANNOTATIONS}
transformations:
  - read_json_lines:
        encoding: utf8
        invalid_lines: error
        include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
`;

/**
 * Writes records as an MLTable folder, which `readTable` reads back in their order: images by their absolute paths, the
 * class in `label` (a list of labels for multi-label sets), and sizes where they are known. A reader sees the old files or
 * the new ones, never half of one.
 */
export function writeTable(folder: string, records: readonly ImageRecord[], labelKind: LabelKind): void {
  const lines = records.map((record) => `${JSON.stringify(annotationOf(record, labelKind))}\n`);
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, ANNOTATIONS), lines.join(''));
  writeMltable(folder);
}

/** Writes the MLTable that reads the annotations beside it. */
export function writeMltable(folder: string): void {
  writeWhole(join(folder, 'MLTable'), MLTABLE);
}

function annotationOf({ file, labels, width, height }: ImageRecord, labelKind: LabelKind) {
  const ending = extname(file).slice(1).toLowerCase();
  const format = DETAIL_FORMATS.includes(ending) ? { format: ending } : {};
  const size = width > 0 && height > 0 ? { width, height } : {};
  return {
    image_url: file,
    image_details: { ...format, ...size },
    label: labelKind === 'multilabel' ? labels : labels[0],
  };
}

function writeWhole(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { flush: true });
  renameSync(temporary, path);
}
