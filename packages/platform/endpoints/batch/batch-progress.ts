import { readFileSync } from 'node:fs';
import { writeFileWhole } from '@fovea/automl/runs';

/** How far a job that scores pictures is. */
export interface BatchProgress {
  /** Of the input. */
  readonly files: number;
  /** Answered, or failed for good. */
  readonly done: number;
  readonly failed: number;
  /** Of this run; 0 before there is one. */
  readonly imagesPerSecond: number;
  readonly etaSeconds: number | null;
}

export const noProgress = (files: number): BatchProgress => ({
  ...{ files, done: 0, failed: 0, imagesPerSecond: 0, etaSeconds: null },
});

export const writeProgress = (path: string, progress: BatchProgress): void =>
  writeFileWhole(path, `${JSON.stringify(progress)}\n`);

/** null where there is none, as of a job whose files are on another machine. */
export function readProgress(path: string): BatchProgress | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
