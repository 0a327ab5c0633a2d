import type { RunEvent } from '@fovea/automl/runs';
import type { JobRecord } from '../records.ts';
import type { ErrorBody } from '../server/error-answer.ts';

/** The version of what a `fovea` and a server say to each other; one more when an older one would misunderstand it. */
export const protocol = 1;

/** Says in a request which version it is of, and in an answer which one the server has. */
export const protocolHeader = 'fovea-protocol';

/** All paths begin with it. */
export const root = '/fovea/v1';

/** A server says something at least as often, in milliseconds, as long as an answer lasts; a client that hears nothing asks again. */
export const heartbeatMilliseconds = 10_000;

/** A line of an answer that lasts; an empty one is a sign of life. */
export type Line =
  | {
      readonly event: RunEvent;
      readonly trial?: string | null;
      /** As `WatchOptions.onEvent` has it. */
      readonly number?: number | null;
    }
  /** The last one. */
  | { readonly record: JobRecord }
  /** The last one, too. */
  | { readonly status: number; readonly failure: ErrorBody };

/** A file of an upload. */
export interface UploadFile {
  /** Relative, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A file or folder of an upload, which takes the place of a path on the machine of whoever asks. */
export interface UploadedPath {
  /** The upload's id. */
  readonly upload: string;
  /** The file or folder in it that is meant. */
  readonly path: string;
  /** As it was given, for people. */
  readonly given: string;
}

/** What a server says of an upload. */
export interface UploadAnswer {
  /** SHA-256 of the list of its files. */
  readonly id: string;
  /** The content that the server does not have, and how much of it has come; empty: all is there. */
  readonly missing: readonly { readonly sha256: string; readonly have: number }[];
}

/** The parts of a job that name files. */
export const uploadedKeys = ['training_data', 'validation_data', 'checkpoint', 'weights'] as const;
export type UploadedKey = (typeof uploadedKeys)[number];

/** What is asked of a server that is to start a job. */
export interface Submission {
  /** A job file with all that is set, without the paths that are uploaded. */
  readonly job: string;
  readonly uploads: Partial<Record<UploadedKey, UploadedPath>>;
  /** `none` for random weights. */
  readonly weights?: 'none';
  readonly fitToData: boolean;
}

/** What a server says to who waits for something: what has come of it, or, after a while, that nothing has yet. */
export type Waited<Record> = { readonly settled: true; readonly record: Record | null } | { readonly settled: false };
