import type { Path } from './job-source.ts';

/** Something wrong at a path of the job, before it is known where in a file that is. */
export interface Problem {
  readonly code: string;
  /** `error` when left out. */
  readonly severity?: 'error' | 'warning';
  readonly path: Path;
  /** Point at the name in front of the value instead of the value. */
  readonly on?: 'key';
  readonly message: string;
  readonly hint?: string;
}
