/** Why something is not done, in the words that HTTP has for it. */
export type RefusalReason = 'invalid' | 'not-found' | 'conflict' | 'changed' | 'forbidden' | 'busy';

export interface RefusalDetail {
  readonly code: string;
  readonly message: string;
  /** The part of what was asked that is meant. */
  readonly target?: string;
}

/** What was asked for is not done, for a reason that who asked can act on. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;
  /** A word for programs, as `ModelNotFound`. */
  readonly code: string;
  /** The part of what was asked that is meant. */
  readonly target: string | undefined;
  readonly details: readonly RefusalDetail[];
  /** Whole seconds after which to ask again, for `busy`. */
  readonly retryAfter: number | undefined;

  constructor(
    reason: RefusalReason,
    code: string,
    message: string,
    {
      target,
      details = [],
      retryAfter,
      cause,
    }: {
      target?: string | undefined;
      details?: readonly RefusalDetail[];
      retryAfter?: number;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause });
    this.reason = reason;
    this.code = code;
    this.target = target;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/** What was asked for cannot be understood, or cannot be. */
export const invalid = (message: string, target?: string, code = 'ValidationError'): Refusal =>
  new Refusal('invalid', code, message, { target });
