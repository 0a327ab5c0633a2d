import { invalid, type Refusal } from '../../refusal.ts';

/** Something in an archive, as the archive says it. */
export interface ArchiveEntry {
  /** As it stands there; nothing is known of it yet. */
  readonly name: string;
  /** What is neither is told in words: `a symbolic link`. */
  readonly kind: 'file' | 'folder' | { readonly other: string };
  /** Bytes, as the archive says: it may be wrong. */
  readonly size: number;
  /** CRC-32 of a file where the archive has it; null: the format has none. */
  readonly crc32: number | null;
  /** The bytes of a file. */
  open(): Promise<
    AsyncIterable<Uint8Array> & { destroy(): unknown; on(event: 'error', listener: (error: Error) => void): unknown }
  >;
}

/** An archive is not unpacked: what is wrong with it, and where. */
export const archiveRefused = (archive: string, what: string): Refusal =>
  invalid(`${archive} is not unpacked: ${what}`, 'path', 'ArchiveRefused');
