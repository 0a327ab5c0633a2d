import type { Issue } from './issue.ts';
import { describeValue, type Row } from './row.ts';

/** Values of `image_details.format`, as the annotation schema lists them. */
export const DETAIL_FORMATS: readonly string[] = ['jpg', 'jpeg', 'png', 'jpe', 'jfif', 'bmp', 'tif', 'tiff'];

/** Image size in pixels as an annotation gives it; 0 where it does not. */
export interface DeclaredSize {
  width: number;
  height: number;
}

/** Reads the optional field `image_details` of a row. What is wrong in it is only warned about: training does not need it. */
export function readImageDetails({ fields, file, line }: Row): { size: DeclaredSize; issues: Issue[] } {
  const issues: Issue[] = [];
  const size: DeclaredSize = { width: 0, height: 0 };
  const warn = (name: string, value: unknown, wanted: string) => {
    const message = `${name} is ${describeValue(value)}; it should be ${wanted}`;
    issues.push({ code: 'image-details', severity: 'warning', file, line, message });
  };
  const details = fields.image_details;
  if (details === undefined || details === null) return { size, issues };
  if (typeof details !== 'object' || Array.isArray(details)) {
    warn('image_details', details, 'an object with format, width and height');
    return { size, issues };
  }
  const { format, width, height } = details as Record<string, unknown>;
  if (format !== undefined && !(typeof format === 'string' && DETAIL_FORMATS.includes(format.toLowerCase()))) {
    warn('image_details.format', format, `one of ${DETAIL_FORMATS.join(', ')}`);
  }
  for (const [name, value] of Object.entries({ width, height })) {
    if (value === undefined) continue;
    const pixels = typeof value === 'string' ? Number(/^\s*(\d+)\s*(px)?\s*$/.exec(value)?.[1]) : value;
    if (typeof pixels === 'number' && Number.isInteger(pixels) && pixels > 0) size[name as keyof DeclaredSize] = pixels;
    else warn(`image_details.${name}`, value, 'a positive whole number, or such as "400px"');
  }
  return { size, issues };
}
