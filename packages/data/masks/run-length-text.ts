import { type RunLengths, runLengths } from './run-lengths.ts';

const DIGIT_BITS = 5;
const DIGIT = 2 ** DIGIT_BITS;
const MORE = 0x20;
const SIGN = 0x10;
const FIRST_CHARACTER = 48;

/**
 * The compressed form in which COCO files hold run lengths: from the fourth on each is the difference to the one two before; numbers
 * are in digits of five bits, the lowest first, with a sixth bit where more follow, as characters from '0' on.
 */
export function maskToText({ counts }: RunLengths): string {
  const codes: number[] = [];
  for (let i = 0; i < counts.length; i++) {
    let rest = i > 2 ? counts[i] - counts[i - 2] : counts[i];
    for (;;) {
      const low = ((rest % DIGIT) + DIGIT) % DIGIT;
      rest = (rest - low) / DIGIT;
      const more = low & SIGN ? rest !== -1 : rest !== 0;
      codes.push(FIRST_CHARACTER + (more ? low | MORE : low));
      if (!more) break;
    }
  }
  return codes.map((code) => String.fromCharCode(code)).join('');
}

/**
 * The mask of such a text.
 * @throws RangeError when the text is damaged or is that of a mask of another size
 */
export function maskFromText(text: string, height: number, width: number): RunLengths {
  const counts: number[] = [];
  let value = 0;
  let place = 1;
  for (let i = 0; i < text.length; i++) {
    const bits = text.charCodeAt(i) - FIRST_CHARACTER;
    if (!(bits >= 0 && bits < 2 * MORE)) {
      throw new RangeError(
        `character ${i} of the compressed mask is ${JSON.stringify(text[i])}; such texts have characters from "0" to "o" only`,
      );
    }
    value += (bits % DIGIT) * place;
    place *= DIGIT;
    if (bits & MORE) continue;
    if (bits & SIGN) value -= place;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
    value = 0;
    place = 1;
  }
  if (place !== 1) throw new RangeError('the compressed mask ends within a number; it was cut off');
  return runLengths(counts, height, width);
}
