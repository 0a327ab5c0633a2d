import { setImmediate } from 'node:timers/promises';
import { HashIndex } from './hash-index.ts';
import { type ImageTraits, PREVIEW_SIDE } from './image-traits.ts';
import { hammingDistance, type PerceptualHash } from './perceptual-hash.ts';

/**
 * Two pictures are the same when few bits of their hashes differ, and their small grey pictures have this correlation at least.
 * Chosen on 4,336 photos of four sets, 32 to 4,000 pixels wide, and copies of them that were scaled to a half, compressed, brightened,
 * blurred, made grey or cut by 2 %: most copies are found (fewer where scaled or cut from 32 pixels, of which one is a lot), and no two
 * different pictures were taken for the same. The hash alone would need 7 bits or fewer for that.
 */
const MOST_DIFFERENT_BITS = 10;
const LEAST_CORRELATION = 0.9;

/** Pictures of nearly one colour have nothing to compare: their hash is noise. */
export const LEAST_CONTRAST = 2;

/** Pictures that are compared between two looks at what else there is to do, Ctrl-C above all. */
const BREATH = 500;

/** Pictures that are one and the same. */
export interface SamePictures<T> {
  /** The files are the same byte by byte. */
  readonly exact: boolean;
  /** In the order given; at least two. */
  readonly members: readonly {
    readonly item: T;
    /** Different bits of the hash, of 64, from the first member. */
    readonly distance: number;
    /** Left and right are exchanged, compared with the first member. */
    readonly mirrored: boolean;
  }[];
}

/**
 * Groups of pictures that are the same, or nearly: byte by byte, or as they look, mirrored ones included. What is like a member of
 * a group belongs to it, so the ends of a chain (frames of a film) may differ more.
 *
 * @throws the signal's AbortError when it is aborted
 */
export async function samePictures<T extends { readonly traits: ImageTraits }>(
  items: readonly T[],
  signal?: AbortSignal,
): Promise<SamePictures<T>[]> {
  const contents = [...Map.groupBy(items, ({ traits }) => traits.digest).values()];
  const groups = new DisjointSets(contents.length);
  await linkAlike(
    contents.map(([{ traits }]) => traits),
    groups,
    signal,
  );
  const merged = Map.groupBy(contents.keys(), (number) => groups.rootOf(number));
  const place = new Map(items.map((item, i) => [item, i]));
  return [...merged.values()].flatMap((numbers) => {
    const members = numbers.flatMap((number) => contents[number]);
    if (members.length < 2) return [];
    members.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
    return [{ exact: numbers.length === 1, members: members.map((item) => comparedWith(members[0], item)) }];
  });
}

async function linkAlike(
  pictures: readonly ImageTraits[],
  groups: DisjointSets,
  signal: AbortSignal | undefined,
): Promise<void> {
  const index = new HashIndex(pictures.length);
  const numbers: number[] = [];
  for (const [number, picture] of pictures.entries()) {
    if (number % BREATH === 0) await setImmediate(undefined, signal && { signal });
    if (picture.contrast < LEAST_CONTRAST) continue;
    const ask = (hash: PerceptualHash, mirrored: boolean) =>
      index.near(hash, MOST_DIFFERENT_BITS, (found) => {
        const other = numbers[found];
        if (groups.rootOf(other) === groups.rootOf(number)) return;
        if (correlation(pictures[other].preview, picture.preview, mirrored) >= LEAST_CORRELATION)
          groups.join(other, number);
      });
    ask(picture.hash, false);
    ask(picture.mirrored, true);
    index.add(picture.hash);
    numbers.push(number);
  }
}

function comparedWith<T extends { readonly traits: ImageTraits }>(first: T, item: T) {
  const straight = hammingDistance(first.traits.hash, item.traits.hash);
  const turned = hammingDistance(first.traits.hash, item.traits.mirrored);
  const mirrored =
    turned < straight &&
    correlation(first.traits.preview, item.traits.preview, true) >
      correlation(first.traits.preview, item.traits.preview, false);
  return { item, distance: mirrored ? turned : straight, mirrored };
}

/** Pearson's, of two grey pictures [16, 16]; brightness and contrast play no part in it. */
function correlation(a: Uint8Array, b: Uint8Array, mirrored: boolean): number {
  const mean = (pixels: Uint8Array) => pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let both = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const column = i % PREVIEW_SIDE;
    const differenceA = a[i] - meanA;
    const differenceB = b[mirrored ? i - column + PREVIEW_SIDE - 1 - column : i] - meanB;
    both += differenceA * differenceB;
    squaresA += differenceA ** 2;
    squaresB += differenceB ** 2;
  }
  return both / Math.sqrt(squaresA * squaresB || 1);
}

/** Union-find with path halving. */
class DisjointSets {
  readonly #parent: Int32Array;

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, i) => i);
  }

  rootOf(member: number): number {
    const parent = this.#parent;
    let root = member;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]];
      root = parent[root];
    }
    return root;
  }

  join(a: number, b: number): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)].sort((x, y) => x - y);
    this.#parent[second] = first;
  }
}
