import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { invalid } from '../refusal.ts';

/** An image, and the file and line that say so. */
interface NamedImage {
  readonly file: string;
  readonly source: { readonly file: string; readonly line?: number };
}

/**
 * JSONL files whose images are named by paths that mean nothing on another machine (absolute ones, `file:`, from the working directory),
 * as they are with paths from their own folder; line by line, so that what is said of a line is said of the same line.
 *
 * @throws Refusal for tables of another form that name images so
 */
export async function portableTables(images: readonly NamedImage[]): Promise<Map<string, Buffer>> {
  const tables = new Map<string, Buffer>();
  for (const [file, named] of Map.groupBy(images, ({ source }) => source.file)) {
    if (!/\.(jsonl|csv|tsv)$/i.test(file)) continue;
    const text = await utf8(file);
    if (text === null) continue;
    if (!/\.jsonl$/i.test(file)) {
      const folders = new Set(named.map(({ file: image }) => dirname(image)));
      const odd = [...folders].find((folder) => text.includes(`${folder}/`));
      if (odd === undefined) continue;
      const hint = 'paths from the folder of the table mean the same there; JSONL is sent with such paths by itself';
      throw invalid(`${file} names images in ${odd} as only this machine knows it: ${hint}`, 'path', 'UnsupportedPath');
    }
    const lines = text.split('\n');
    let isOther = false;
    for (const { file: image, source } of named) {
      const at = (source.line ?? 0) - 1;
      const row = at >= 0 && at < lines.length ? rowOf(lines[at]) : null;
      if (row === null || typeof row.image_url !== 'string') continue;
      const url = row.image_url;
      const isElsewhere = /^[a-z][a-z0-9+.-]+:\/\//i.test(url) && !/^file:/i.test(url);
      const isRelative = !url.startsWith('/') && resolve(dirname(file), url) === image;
      if (isElsewhere || isRelative) continue;
      lines[at] = JSON.stringify({ ...row, image_url: relative(dirname(file), image).replaceAll(sep, '/') });
      isOther = true;
    }
    if (isOther) tables.set(file, Buffer.from(lines.join('\n')));
  }
  return tables;
}

async function utf8(file: string): Promise<string | null> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch {
    return null;
  }
}

function rowOf(line: string): Record<string, unknown> | null {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? (row as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
