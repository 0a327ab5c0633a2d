import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AnnotationFormat } from './annotated-image.ts';
import { maskTableIn } from './mask-layout.ts';
import { cocoFilesIn } from './read-coco.ts';
import { jsonlFilesIn } from './read-jsonl.ts';
import { hasMasks } from './read-masks.ts';
import { looksLikeVia, viaFilesIn } from './read-via.ts';
import { vocFilesIn } from './read-voc.ts';
import { yoloClassesIn, yoloFileIn } from './read-yolo.ts';

/** The formats whose files are at `path`: one, where it is clear; none or several, where a person must say. */
export function recogniseFormats(path: string): AnnotationFormat[] {
  if (!statSync(path).isDirectory()) {
    if (/\.ya?ml$/i.test(path)) return ['yolo'];
    if (looksLikeVia(path)) return ['via'];
    if (/\.json$/i.test(path)) return looksLikeCoco(path) ? ['coco'] : ['jsonl'];
    if (maskTableIn(path) !== undefined) return ['masks'];
    return /\.(jsonl|ndjson|csv|tsv)$/i.test(path) || path.endsWith('MLTable') ? ['jsonl'] : [];
  }
  const found: AnnotationFormat[] = [];
  if (jsonlFilesIn(path).length > 0) found.push('jsonl');
  if (cocoFilesIn(path).some(looksLikeCoco)) found.push('coco');
  if (vocFilesIn(path).length > 0) found.push('voc');
  const config = yoloFileIn(path);
  const hasYolo =
    (config !== undefined && namesClasses(config)) ||
    (yoloClassesIn(path) !== undefined && existsSync(join(path, 'labels')));
  if (hasYolo) found.push('yolo');
  if (viaFilesIn(path).length > 0) found.push('via');
  if (hasMasks(path)) found.push('masks');
  return found;
}

/** A folder may have other YAML files, such as jobs. */
const namesClasses = (file: string): boolean =>
  /^(data|dataset)\.ya?ml$/.test(basename(file)) || /^["']?names["']?\s*:/m.test(readFileSync(file, 'utf8'));

/** Whether one of COCO's lists begins in the first kilobytes, or the file is one document rather than lines. */
function looksLikeCoco(file: string): boolean {
  const head = Buffer.alloc(1 << 16);
  const handle = openSync(file, 'r');
  try {
    const text = head.toString('utf8', 0, readSync(handle, head, 0, head.length, 0));
    return /"(images|annotations|categories|licenses)"\s*:\s*\[/.test(text);
  } finally {
    closeSync(handle);
  }
}
