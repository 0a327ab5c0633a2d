import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, resolve } from 'node:path';
import { DETAIL_FORMATS } from '../image-details.ts';
import { ANNOTATIONS, writeMltable } from '../write-table.ts';
import { CORNERS } from './object-field.ts';
import type { LabelledObject, ObjectRecord } from './object-record.ts';

/**
 * Writes records as an MLTable folder, which `readObjectTable` reads back in their order: boxes, and outlines where there are
 * any, so that the same folder serves detection and segmentation. Images inside of the folder are named relative to it, others
 * by their absolute paths. A reader sees the old files or the new ones, never half of one.
 */
export async function writeObjectTable(folder: string, records: Iterable<ObjectRecord>): Promise<void> {
  const root = resolve(folder);
  await mkdir(root, { recursive: true });
  const path = join(root, ANNOTATIONS);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeLines(temporary, annotationsOf(root, records));
  await rename(temporary, path);
  writeMltable(root);
}

function* annotationsOf(root: string, records: Iterable<ObjectRecord>): Generator<string> {
  for (const record of records) {
    const ending = extname(record.file).slice(1).toLowerCase();
    const { width, height } = record;
    const details = {
      ...(DETAIL_FORMATS.includes(ending) && { format: ending }),
      ...(width > 0 && height > 0 && { width, height }),
    };
    const below = relative(root, record.file);
    const url = below.startsWith('..') || isAbsolute(below) ? record.file : below.replaceAll('\\', '/');
    yield JSON.stringify({ image_url: url, image_details: details, label: record.objects.map(annotationOf) });
  }
}

function annotationOf({ label, box, polygons, crowd }: LabelledObject) {
  const corners = Object.fromEntries(CORNERS.map((name, i) => [name, box[i]]));
  return { label, ...corners, isCrowd: crowd, ...(polygons && { polygon: polygons }) };
}

/** Writes lines of text, waiting where the disk is slower than they come. */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const stream = createWriteStream(path, { flush: true });
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  const written = (async () => {
    let block = '';
    for (const line of lines) {
      block += `${line}\n`;
      if (block.length < 1 << 16) continue;
      if (!stream.write(block)) await once(stream, 'drain');
      block = '';
    }
    stream.end(block);
    await once(stream, 'finish');
  })();
  await Promise.race([written, failed]);
}
