const shortest = 1000;
const longest = 60_000;

/** An instance that answered for so long is taken for a good one: what came before is forgotten. In milliseconds. */
export const ranWell = 10 * 60_000;

/** How long to wait before an instance is started again, in milliseconds. @param restarts starts one after the other so far, from 0 */
export const backOff = (restarts: number): number => Math.min(longest, shortest * 2 ** Math.min(restarts, 16));
