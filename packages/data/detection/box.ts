import {
  FLOAT_NOISE,
  type Frame,
  type GeometryProblem,
  outsideHint,
  type RepairOptions,
  roundingOf,
  shown,
} from './geometry-problem.ts';
import type { NormalisedBox } from './object-record.ts';

/** How a format calls the corners: left, top, right, bottom. */
export type CornerNames = readonly [string, string, string, string];

/** What became of a box; undefined when it cannot be used or has no area. */
export interface JudgedBox {
  readonly box: NormalisedBox | undefined;
  readonly problems: readonly GeometryProblem[];
}

/**
 * Checks the corners of a box and makes them shares of the image.
 *
 * Errors: a corner far outside of the image, right before left, bottom above top. Warnings: no area (it is left out), up to two
 * pixels outside (it is clipped), less than a pixel wide or high.
 * @param corners finite numbers, in the coordinates of `frame`
 * @param names for messages, as in `topX 0.41 = bottomX 0.41`
 * @param options.repair corners that changed places change back, what is outside of the image is cut off; a warning says so
 */
export function judgeBox(
  corners: readonly [number, number, number, number],
  names: CornerNames,
  frame: Frame,
  { repair = false }: RepairOptions = {},
): JudgedBox {
  if (repair) return repairedBox(corners, names, frame);
  const problems: GeometryProblem[] = [];
  const box = corners.map((value, i) => value / frame.extent[i % 2]) as [number, number, number, number];
  for (const axis of [0, 1] as const) {
    const [low, high] = [corners[axis], corners[axis + 2]];
    const [first, last] = [`${names[axis]} ${shown(low)}`, `${names[axis + 2]} ${shown(high)}`];
    if (low > high) {
      const which = axis === 0 ? 'right before left' : 'upside down';
      const message = `the box is ${which}: ${first} > ${last}`;
      const hint = `${names[axis]} is the ${axis === 0 ? 'left' : 'upper'} edge: change the two, if that is all`;
      return rejected({ code: 'box-turned', severity: 'error', message, hint });
    }
    if (low === high) return withoutArea(`${first} = ${last}`);
    const extent = frame.extent[axis];
    for (const [i, value] of [low, high].entries()) {
      const over = Math.max(-value, value - extent);
      if (over <= 0) continue;
      const text = i === 0 ? first : last;
      if (over > roundingOf(frame, axis)) {
        const message = `the box is outside of the image: ${text}`;
        return rejected({ code: 'box-outside', severity: 'error', message, hint: outsideHint(frame, axis, value) });
      }
      box[axis + 2 * i] = value < 0 ? 0 : 1;
      if (over <= extent * FLOAT_NOISE) continue;
      const message = `the box is a little outside of the image (${text}), clipped`;
      problems.push({ code: 'box-clipped', severity: 'warning', message });
    }
    if (box[axis] >= box[axis + 2])
      return withoutArea(`clipped at the edge of the image, ${first} and ${last} are one`);
  }
  const { width, height } = frame;
  const [across, down] = [(box[2] - box[0]) * width, (box[3] - box[1]) * height];
  if (width > 0 && height > 0 && Math.min(across, down) < 1 - FLOAT_NOISE) {
    const message = `the box is tiny: ${shown(across)} × ${shown(down)} pixels`;
    problems.push({ code: 'box-tiny', severity: 'warning', message, hint: 'no model will find it' });
  }
  return { box, problems };
}

/** `judgeBox` after what would have been refused was mended. */
function repairedBox(corners: readonly [number, number, number, number], names: CornerNames, frame: Frame): JudgedBox {
  const mended: [number, number, number, number] = [...corners];
  const problems: GeometryProblem[] = [];
  for (const axis of [0, 1] as const) {
    const [first, last] = [axis, axis + 2].map((i) => `${names[i]} ${shown(corners[i])}`);
    if (mended[axis] > mended[axis + 2]) {
      [mended[axis], mended[axis + 2]] = [mended[axis + 2], mended[axis]];
      const message = `the box was ${axis === 0 ? 'right before left' : 'upside down'}: ${first} > ${last}`;
      problems.push({ code: 'box-turned', severity: 'warning', message, hint: 'repaired: the two were exchanged' });
    }
    const extent = frame.extent[axis];
    const most = roundingOf(frame, axis);
    if (mended[axis] >= -most && mended[axis + 2] <= extent + most) continue;
    const message = `the box was outside of the image: ${first}, ${last}`;
    if (mended[axis] >= extent || mended[axis + 2] <= 0)
      return {
        box: undefined,
        problems: [...problems, { code: 'box-outside', severity: 'warning', message, hint: 'left out' }],
      };
    for (const i of [axis, axis + 2]) mended[i] = Math.min(extent, Math.max(0, mended[i]));
    const hint = 'repaired: cut off at the edge of the image';
    problems.push({ code: 'box-outside', severity: 'warning', message, hint });
  }
  const judged = judgeBox(mended, names, frame);
  return { box: judged.box, problems: [...problems, ...judged.problems] };
}

const rejected = (problem: GeometryProblem): JudgedBox => ({ box: undefined, problems: [problem] });

const withoutArea = (why: string): JudgedBox =>
  rejected({ code: 'box-without-area', severity: 'warning', message: `the box has no area: ${why}`, hint: 'left out' });
