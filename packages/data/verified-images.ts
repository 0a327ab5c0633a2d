import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharp } from './sharp.ts';

interface FileIdentity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

interface Size {
  width: number;
  height: number;
}

type Entry = [size: number, mtimeMs: number, ino: number, width: number, height: number];

/** Entries are only good for the decoder that made them. */
const VERSION = `1 ${sharp.versions.vips}`;

/** Remembers in a file which images were decoded without fault, as long as they don't change. */
export class VerifiedImages {
  readonly #folder: string;
  readonly #entries: Map<string, Entry>;
  #changed = false;

  private constructor(folder: string, entries: Map<string, Entry>) {
    this.#folder = folder;
    this.#entries = entries;
  }

  /** Reads the file in `folder`. When there is none, or it is damaged, nothing is remembered. */
  static async open(folder: string): Promise<VerifiedImages> {
    try {
      const { version, images } = JSON.parse(await readFile(fileIn(folder), 'utf8'));
      const entries = Object.entries(images).filter((pair): pair is [string, Entry] => isEntry(pair[1]));
      return new VerifiedImages(folder, new Map(version === VERSION ? entries : []));
    } catch {
      return new VerifiedImages(folder, new Map());
    }
  }

  get(file: string, { size, mtimeMs, ino }: FileIdentity): Size | undefined {
    const entry = this.#entries.get(file);
    if (entry?.[0] !== size || entry[1] !== mtimeMs || entry[2] !== ino) return undefined;
    return { width: entry[3], height: entry[4] };
  }

  set(file: string, { size, mtimeMs, ino }: FileIdentity, { width, height }: Size): void {
    this.#entries.set(file, [size, mtimeMs, ino, width, height]);
    this.#changed = true;
  }

  /** Writes the file; a reader sees the old one or the new one, never a part. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    await mkdir(this.#folder, { recursive: true });
    const temporary = `${fileIn(this.#folder)}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, JSON.stringify({ version: VERSION, images: Object.fromEntries(this.#entries) }));
      await rename(temporary, fileIn(this.#folder));
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

function fileIn(folder: string): string {
  return join(folder, 'verified-images.json');
}

function isEntry(value: unknown): value is Entry {
  return (
    Array.isArray(value) &&
    value.length === 5 &&
    value.every((part) => typeof part === 'number') &&
    value[3] > 0 &&
    value[4] > 0
  );
}
