/** A mask as COCO writes it: lengths of runs of 0 and 1 in turn, down the columns, beginning with 0; or these packed into text. */
export interface RunLengths {
  /** `[height, width]`. */
  readonly size: readonly [number, number];
  readonly counts: readonly number[] | string;
}

/**
 * The mask that run lengths stand for, row by row: `[height, width]`, 1 where the object is.
 * @throws RangeError when they do not make up the size
 */
export function decodeMask({ size: [height, width], counts }: RunLengths): Uint8Array {
  const runs = typeof counts === 'string' ? unpackCounts(counts) : counts;
  const mask = new Uint8Array(width * height);
  let at = 0;
  for (const [i, run] of runs.entries()) {
    if (!Number.isInteger(run) || run < 0 || at + run > mask.length)
      throw new RangeError(`run ${i + 1} (${run}) does not fit into ${width} × ${height} pixels`);
    if (i % 2 === 1) for (let p = at; p < at + run; p++) mask[(p % height) * width + Math.floor(p / height)] = 1;
    at += run;
  }
  if (at !== mask.length)
    throw new RangeError(`the runs make up ${at} of ${width} × ${height} = ${mask.length} pixels`);
  return mask;
}

/**
 * Run lengths out of COCO's text: five bits a character from `0` on, the sixth says that more follow, from the third run on
 * the difference to the run before the last (`rleFrString` of cocoapi's maskApi.c).
 * @throws RangeError when the text ends inside of a number or has other characters
 */
export function unpackCounts(text: string): number[] {
  const counts: number[] = [];
  let at = 0;
  while (at < text.length) {
    let value = 0;
    let shift = 0;
    for (;;) {
      const bits = text.charCodeAt(at++) - 48;
      if (!(bits >= 0 && bits < 64) || shift > 30) throw new RangeError(`no run lengths at character ${at}`);
      value |= (bits & 31) << shift;
      shift += 5;
      if ((bits & 32) !== 0) continue;
      if ((bits & 16) !== 0 && shift < 32) value |= -1 << shift;
      break;
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}
