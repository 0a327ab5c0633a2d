import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What changes when a file does. */
export interface FileIdentity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

export interface Memory<T> {
  /** Name of the file without its ending. */
  readonly name: string;
  /** Values are only good for the version that made them. */
  readonly version: string;
  /** Whether what was read is a value. */
  readonly isValue: (value: unknown) => value is T;
}

type Entry<T> = readonly [size: number, mtimeMs: number, ino: number, value: T];

/** Images that are remembered at most; those that were asked for longest ago are forgotten first. */
const MOST_IMAGES = 300_000;

/** Remembers in a file what was found out about images, as long as they don't change. Values are what JSON can hold. */
export class RememberedImages<T> {
  readonly #folder: string;
  readonly #memory: Memory<T>;
  /** In the order in which they were last asked for. */
  readonly #entries: Map<string, Entry<T>>;
  #changed = false;

  private constructor(folder: string, memory: Memory<T>, entries: Map<string, Entry<T>>) {
    this.#folder = folder;
    this.#memory = memory;
    this.#entries = entries;
  }

  /** Reads the file in `folder`. When there is none, or it is damaged, nothing is remembered. */
  static async open<T>(folder: string, memory: Memory<T>): Promise<RememberedImages<T>> {
    try {
      const { version, images } = JSON.parse(await readFile(fileOf(folder, memory), 'utf8'));
      const isEntry = (value: unknown): value is Entry<T> =>
        Array.isArray(value) && value.length === 4 && memory.isValue(value[3]);
      const entries = Object.entries(images).filter((pair): pair is [string, Entry<T>] => isEntry(pair[1]));
      return new RememberedImages(folder, memory, new Map(version === memory.version ? entries : []));
    } catch {
      return new RememberedImages(folder, memory, new Map());
    }
  }

  get(file: string, { size, mtimeMs, ino }: FileIdentity): T | undefined {
    const entry = this.#entries.get(file);
    if (entry?.[0] !== size || entry[1] !== mtimeMs || entry[2] !== ino) return undefined;
    this.#entries.delete(file);
    this.#entries.set(file, entry);
    return entry[3];
  }

  set(file: string, { size, mtimeMs, ino }: FileIdentity, value: T): void {
    this.#entries.delete(file);
    this.#entries.set(file, [size, mtimeMs, ino, value]);
    this.#changed = true;
  }

  /** Writes the file; a reader sees the old one or the new one, never a part. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    await mkdir(this.#folder, { recursive: true });
    const file = fileOf(this.#folder, this.#memory);
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      const images = Object.fromEntries([...this.#entries].slice(-MOST_IMAGES));
      await writeFile(temporary, JSON.stringify({ version: this.#memory.version, images }));
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

const fileOf = (folder: string, { name }: { readonly name: string }) => join(folder, `${name}.json`);
