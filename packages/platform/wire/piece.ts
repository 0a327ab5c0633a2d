/** A stretch of a file: a line says so, and the bytes follow it. */
export interface Piece {
  /** Of the whole file. */
  readonly sha256: string;
  /** Of the file, where the stretch begins. */
  readonly offset: number;
  readonly bytes: number;
}

/** No such line is longer. */
export const mostLineBytes = 128;

const line = /^([0-9a-f]{64}) (\d{1,15}) (\d{1,15})$/;

export const pieceLine = ({ sha256, offset, bytes }: Piece): string => `${sha256} ${offset} ${bytes}\n`;

/** @returns null for what is no such line (without its end) */
export function parsePieceLine(text: string): Piece | null {
  const [, sha256, offset, bytes] = line.exec(text) ?? [];
  return sha256 === undefined ? null : { sha256, offset: Number(offset), bytes: Number(bytes) };
}
