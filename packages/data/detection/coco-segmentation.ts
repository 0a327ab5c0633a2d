import { maskPolygons } from '../masks/mask-polygons.ts';
import { maskFromText } from '../masks/run-length-text.ts';
import { runLengths } from '../masks/run-lengths.ts';
import { describeValue } from '../row.ts';
import type { Frame, GeometryProblem, RepairOptions } from './geometry-problem.ts';
import { judgePolygon } from './polygon.ts';

/** The outline of an object in shares of its image. */
export interface Segmentation {
  /** Empty when there is none; null when it is wrong. */
  readonly polygons: number[][] | null;
  readonly problems: readonly GeometryProblem[];
  /** It was run lengths, which became the outline of their pixels. */
  readonly isMask: boolean;
}

/** Reads the field `segmentation`: polygons in pixels, or run lengths (plain or packed), which become the outline of their pixels. */
export function readSegmentation(value: unknown, frame: Frame, options: RepairOptions = {}): Segmentation {
  if (value === undefined || value === null) return { polygons: [], problems: [], isMask: false };
  return Array.isArray(value) ? fromPolygons(value, frame, options) : fromRuns(value, frame);
}

function fromPolygons(pieces: readonly unknown[], frame: Frame, options: RepairOptions): Segmentation {
  if (!pieces.every(isNumbers)) {
    const hint = 'it is [[x1, y1, x2, y2, …], …] in pixels, or run lengths';
    return wrong('polygon-type', 'segmentation is no list of lists of numbers', hint);
  }
  const judged = pieces.map((piece) => judgePolygon(piece, frame, options));
  const problems = judged.flatMap((piece) => piece.problems);
  const isRight = problems.every(({ severity }) => severity === 'warning');
  const polygons = isRight ? judged.flatMap((piece) => piece.polygons) : null;
  return { polygons, problems, isMask: false };
}

function fromRuns(value: unknown, frame: Frame): Segmentation {
  const { size, counts } = (value ?? {}) as { size?: unknown; counts?: unknown };
  if (!isNumbers(size) || size.length !== 2 || !(typeof counts === 'string' || isNumbers(counts))) {
    const hint = 'it is [[x1, y1, x2, y2, …], …], or {size: [height, width], counts: …}';
    return wrong('polygon-type', `segmentation is ${describeValue(value)}`, hint);
  }
  const [height, width] = size;
  if (width !== frame.width || height !== frame.height) {
    const message = `its mask has ${width} × ${height} pixels, its image ${frame.width} × ${frame.height}`;
    return wrong('mask-size', message, 'size is [height, width] of the image');
  }
  try {
    const mask = typeof counts === 'string' ? maskFromText(counts, height, width) : runLengths(counts, height, width);
    const shares = maskPolygons(mask).map((polygon) =>
      polygon.map((pixel, i) => pixel / (i % 2 === 0 ? width : height)),
    );
    return { polygons: shares, problems: [], isMask: true };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return wrong('mask', `its run lengths are damaged: ${error.message}`, 'write the file anew');
  }
}

const wrong = (code: string, message: string, hint: string): Segmentation => ({
  polygons: null,
  problems: [{ severity: 'error', code, message, hint }],
  isMask: false,
});

/** Whether a value of JSON is a list of finite numbers. */
export const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((number) => typeof number === 'number' && Number.isFinite(number));
