import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileWhole } from '@fovea/automl/runs';

/** What became of a picture. */
export type ItemResult =
  | {
      readonly file: string;
      /** As an online endpoint answers; pictures of explanations are named by their paths below the results. */
      readonly prediction: Readonly<Record<string, unknown>>;
    }
  | { readonly file: string; readonly error: string };

export const isFailure = (result: ItemResult): result is Extract<ItemResult, { error: string }> => 'error' in result;

/** Of one folder: file systems are slow with very many. */
const filesOfFolder = 1000;

/** The results of mini-batches, a file each, written whole: what is there need not be done again. */
export class KeptResults {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #pathOf(number: number): string {
    return join(this.#folder, String(Math.floor(number / filesOfFolder)), `${number}.jsonl`);
  }

  has(number: number): boolean {
    return existsSync(this.#pathOf(number));
  }

  /** Results in the order of the mini-batch. */
  write(number: number, results: readonly ItemResult[]): void {
    const path = this.#pathOf(number);
    mkdirSync(dirname(path), { recursive: true });
    writeFileWhole(path, results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  }

  /** null for a mini-batch that is not finished. */
  read(number: number): ItemResult[] | null {
    let text: string;
    try {
      text = readFileSync(this.#pathOf(number), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** Numbers of the mini-batches that are finished, ascending. */
  numbers(): number[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .flatMap((folder) => readdirSync(join(this.#folder, folder)))
      .flatMap((name) => /^(\d+)\.jsonl$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Forgets mini-batches in which something failed: they are to be done again. */
  dropFailed(): void {
    for (const number of this.numbers()) {
      if (this.read(number)?.some(isFailure)) rmSync(this.#pathOf(number), { force: true });
    }
  }

  get isThere(): boolean {
    return existsSync(this.#folder);
  }

  /** Out of the way at once: what is left of it when this process dies is cleared away with other half-written files. */
  remove(): void {
    if (!this.isThere) return;
    const removed = `${this.#folder}.old`;
    rmSync(removed, { recursive: true, force: true });
    renameSync(this.#folder, removed);
    rmSync(removed, { recursive: true, force: true });
  }
}
