import { FLOAT_NOISE, type Frame, type GeometryProblem, outsideHint, roundingOf, shown } from './geometry-problem.ts';
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
 */
export function judgeBox(
  corners: readonly [number, number, number, number],
  names: CornerNames,
  frame: Frame,
): JudgedBox {
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

const rejected = (problem: GeometryProblem): JudgedBox => ({ box: undefined, problems: [problem] });

const withoutArea = (why: string): JudgedBox =>
  rejected({ code: 'box-without-area', severity: 'warning', message: `the box has no area: ${why}`, hint: 'left out' });
