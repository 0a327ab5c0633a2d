import { readFile } from 'node:fs/promises';
import { readDelimited } from '../delimited.ts';
import type { Issue } from '../issue.ts';
import { jsonFault } from '../json-fault.ts';

/** A region of an image as the VGG Image Annotator writes it. */
export interface ViaRegion {
  /** `name` and the numbers that belong to it. */
  readonly shape: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly line: number;
}

export interface ViaImage {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly regions: readonly ViaRegion[];
  readonly line: number;
}

type Fields = Record<string, unknown>;

/**
 * The images and regions of a file of the VGG Image Annotator (https://www.robots.ox.ac.uk/~vgg/software/via/): annotations as JSON of
 * versions 1 and 2, a project of version 2, or annotations as CSV.
 */
export async function readViaDocument(file: string): Promise<{ images: ViaImage[]; issues: Issue[] }> {
  return /\.csv$/i.test(file) ? fromTable(file) : fromJson(file);
}

async function fromJson(file: string): Promise<{ images: ViaImage[]; issues: Issue[] }> {
  const text = (await readFile(file, 'utf8')).replace(/^\ufeff/, '');
  const wrong = (code: string, message: string, line?: number) => ({
    images: [],
    issues: [{ code, severity: 'error', file, ...(line !== undefined && { line }), message } as const],
  });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    const fault = jsonFault(text);
    return wrong('not-json', `not JSON: ${fault?.message ?? 'it cannot be parsed'}`);
  }
  // A project has settings beside its images.
  const images = isFields(document) && isFields(document._via_img_metadata) ? document._via_img_metadata : document;
  if (!isFields(images)) return wrong('not-via', 'it is not what the VGG Image Annotator writes');
  const lineOf = lineFinder(text);
  const found: ViaImage[] = [];
  const issues: Issue[] = [];
  for (const [key, value] of Object.entries(images)) {
    const line = lineOf(key);
    if (!isFields(value) || typeof value.filename !== 'string' || value.filename === '') {
      issues.push({ code: 'not-via', severity: 'error', file, line, message: `${key} has no filename` });
      continue;
    }
    // Version 1 numbers the regions, version 2 lists them.
    const regions = isFields(value.regions) || Array.isArray(value.regions) ? Object.values(value.regions) : [];
    found.push({
      ...{ name: value.filename, attributes: fieldsIn(value.file_attributes), line },
      regions: regions.map((region) => ({
        shape: fieldsIn(isFields(region) ? region.shape_attributes : undefined),
        attributes: fieldsIn(isFields(region) ? region.region_attributes : undefined),
        line,
      })),
    });
  }
  return { images: found, issues };
}

async function fromTable(file: string): Promise<{ images: ViaImage[]; issues: Issue[] }> {
  const [{ rows, issues }] = await readDelimited([file], {
    ...{ encoding: 'utf8', header: 'all_files_same_headers', delimiter: ',', inferColumnTypes: false },
    ...{ emptyAsString: true, includePathColumn: false, supportMultiLine: true },
  });
  const images = new Map<string, ViaImage & { regions: ViaRegion[] }>();
  for (const { fields, line } of rows) {
    // Version 1 begins its header with a #.
    const name = String(fields.filename ?? fields['#filename'] ?? '');
    const cell = (column: string): Fields => {
      const text = String(fields[column] ?? '').trim();
      if (text === '') return {};
      try {
        const value: unknown = JSON.parse(text);
        if (isFields(value)) return value;
      } catch {
        // It is said below.
      }
      issues.push({
        code: 'not-via',
        severity: 'error',
        file,
        line,
        message: `${column} is no JSON object: ${text.slice(0, 60)}`,
      });
      return {};
    };
    const image = images.get(name) ?? { name, attributes: cell('file_attributes'), regions: [], line };
    images.set(name, image);
    const shape = cell('region_shape_attributes');
    // An image without regions has a row, too.
    if (Object.keys(shape).length > 0) image.regions.push({ shape, attributes: cell('region_attributes'), line });
  }
  return { images: [...images.values()], issues };
}

/** Finds the line of a key; keys are asked for in their order. */
function lineFinder(text: string): (key: string) => number {
  let [at, line] = [0, 1];
  return (key) => {
    const found = text.indexOf(JSON.stringify(key), at);
    for (; at < found; at++) if (text.charCodeAt(at) === 10) line++;
    return line;
  };
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldsIn = (value: unknown): Fields => (isFields(value) ? value : {});
