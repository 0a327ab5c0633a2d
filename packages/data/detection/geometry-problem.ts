import type { FieldProblem } from '../table-sets.ts';

/** What is wrong with a shape. An error: it cannot be used; a warning: it was mended, or is left out. */
export type GeometryProblem = Pick<FieldProblem, 'code' | 'severity' | 'message' | 'hint'>;

/** The frame that coordinates are in, and how it is spoken of. */
export interface Frame {
  /** What the whole image is in these coordinates: `[1, 1]` where they are shares of it, else its size in pixels. */
  readonly extent: readonly [width: number, height: number];
  /** Of the image in pixels; 0 where it is not known. */
  readonly width: number;
  readonly height: number;
}

/** How far outside of the image a coordinate may be, in its own unit, and count as rounded: two pixels, at most 5 %. */
export function roundingOf({ extent, width, height }: Frame, axis: 0 | 1): number {
  const side = [width, height][axis];
  return extent[axis] * (side > 0 ? Math.min(0.05, Math.max(0.005, 2 / side)) : 0.01);
}

/** What arithmetic in floating point adds, which is no fault of anybody's. */
export const FLOAT_NOISE = 1e-6;

/** A number of up to six digits that matter, as people read it. */
export const shown = (value: number): string => String(Number(value.toPrecision(6)));

/** What is said of coordinates far beyond the image. */
export function outsideHint({ extent, width, height }: Frame, axis: 0 | 1, value: number): string {
  const side = axis === 0 ? 'width' : 'height';
  if (extent[axis] !== 1)
    return `the image has ${width} × ${height} pixels; is it another one, or was it scaled after it was annotated?`;
  if (value < 1.5) return `coordinates are shares of the ${side}, from 0 to 1`;
  const size = axis === 0 ? width : height;
  const example = size > 0 && value <= size ? `, here ${shown(value)} / ${size} = ${shown(value / size)}` : '';
  return `that looks like pixels: divide by the ${side}${example}`;
}

export interface RepairOptions {
  /** Geometry that would be refused is mended where it is clear how, and a warning says so. Default false. */
  readonly repair?: boolean | undefined;
}
