/**
 * The colour scale `bgyw`, blue through green and yellow to white in even steps of lightness: every fifth colour of Kovesi's
 * linear_bgyw_15-100_c67, https://arxiv.org/abs/1509.03700 (CC BY 4.0).
 */
const COLOURS =
  '1b0084 1b038d 1b0796 1b0c9f 1b10a7 1c15af 1c1ab7 1c1fbe 1d24c5 1e2acb 2030d0 2136d4 233cd6 2643d7 284cd3 2955c9 2b5fba ' +
  '2e68ab 326f9d 367690 397d82 3c8375 3f8968 428e5b 459450 499946 4f9e3d 55a235 5ca72e 64ab27 6daf21 76b31c 80b719 8bba16 ' +
  '95be16 a0c118 abc41a b5c81e bfcb22 c8ce28 d1d22e d9d535 e0d93d e7dd46 ece251 efe760 f1ec72 f3f187 f7f5a0 faf9bc fdfcdc ffffff';

const steps = COLOURS.split(' ').map((colour) => [0, 2, 4].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)));

/** The colour of a value 0 … 1: red, green and blue, 0 … 255. */
export function bgyw(value: number): [red: number, green: number, blue: number] {
  const at = Math.min(1, Math.max(0, value)) * (steps.length - 1);
  const below = Math.min(steps.length - 2, Math.floor(at));
  const [low, high] = [steps[below], steps[below + 1]];
  const mix = (channel: number) => Math.round(low[channel] + (at - below) * (high[channel] - low[channel]));
  return [mix(0), mix(1), mix(2)];
}
