import { TorchError } from '@fovea/torch';

/** From an item to before another. */
export type Span = readonly [start: number, end: number];

export interface Pieces {
  /** In how many pieces to begin. */
  pieces: number;
  /** Fewest items that a piece may have where there are more. */
  least: number;
  /** Told when memory did not suffice, before it goes on in so many pieces. */
  onShortage: (pieces: number) => void;
}

/**
 * Computes something over `count` items in pieces, in twice as many each time that memory does not suffice.
 *
 * @param compute gets the pieces, as equal as can be; it is called anew with smaller ones
 * @returns the result, and how many pieces sufficed: what comes next may begin with them
 * @throws OutOfMemoryError when the smallest pieces are too large still
 */
export function inPieces<T>(
  count: number,
  { pieces, least, onShortage }: Pieces,
  compute: (spans: Span[]) => T,
): { result: T; pieces: number } {
  const most = Math.max(1, Math.floor(count / least));
  for (let wanted = pieces; ; ) {
    const used = Math.min(wanted, most);
    try {
      return { result: compute(spans(count, used)), pieces: wanted };
    } catch (error) {
      if (!(error instanceof TorchError && error.outOfMemory)) throw error;
      if (used === most) throw new OutOfMemoryError(Math.ceil(count / most), error);
      wanted = used * 2;
      onShortage(wanted);
    }
  }
}

function spans(count: number, pieces: number): Span[] {
  const bound = (piece: number) => Math.floor((count * piece) / pieces);
  return Array.from({ length: pieces }, (_, piece) => [bound(piece), bound(piece + 1)]);
}

/** Memory does not suffice, however few images are computed at once. */
export class OutOfMemoryError extends Error {
  override readonly name = 'OutOfMemoryError';

  constructor(images: number, cause: TorchError) {
    const many = images === 1 ? 'one image' : `${images} images`;
    super(
      `memory does not suffice even for ${many} at a time; a smaller model or a smaller training_crop_size needs less\n  ${cause.reason}`,
      { cause },
    );
  }
}
