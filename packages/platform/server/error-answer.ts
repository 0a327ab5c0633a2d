import { type Issue, IssuesError } from '@fovea/data';
import { Refusal, type RefusalDetail, type RefusalReason } from '../refusal.ts';
import { StoreUnavailable } from '../store/index.ts';

const statusOf: Record<RefusalReason, number> = {
  invalid: 400,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  changed: 412,
  busy: 429,
};

/** Codes that have a status of their own. */
const otherStatus: Readonly<Record<string, number>> = {
  UnsupportedMediaType: 415,
  RequestTooLarge: 413,
  MethodNotAllowed: 405,
  InsufficientStorage: 507,
};

/** What Azure's clients read of every answer that is no success. */
export interface ErrorBody {
  error: { code: string; message: string; target?: string; details: ErrorBody['error'][] };
  /** What is wrong with data, where it is told whole. */
  issues?: readonly Issue[];
}

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  /** Seconds after which to ask again. */
  readonly retryAfter?: number;
}

/** The most problems of data that an answer names. */
const mostDetails = 100;
const mostIssues = 10_000;

/**
 * What is answered when something was thrown; null for what nobody was meant to see.
 * @param options.issues whether what is wrong with data is told whole, for a `fovea` that shows it as it does its own
 */
export function errorAnswer(error: unknown, { issues = false } = {}): ErrorAnswer | null {
  if (error instanceof Refusal) {
    const { reason, code, message, target, details, retryAfter } = error;
    return {
      status: otherStatus[code] ?? statusOf[reason],
      body: bodyOf(code, message, target, details),
      ...(retryAfter !== undefined && { retryAfter }),
    };
  }
  if (error instanceof IssuesError) {
    const details = error.issues
      .filter(({ severity }) => severity === 'error')
      .slice(0, mostDetails)
      .map(
        ({ code, message, hint, file, line }): RefusalDetail => ({
          code,
          message: hint === undefined ? message : `${message}; ${hint}`,
          target: line === undefined ? file : `${file}:${line}`,
        }),
      );
    const body = bodyOf('DataValidationError', error.message, undefined, details);
    return { status: 400, body: issues ? { ...body, issues: error.issues.slice(0, mostIssues) } : body };
  }
  if (error instanceof StoreUnavailable) {
    const message = 'the database of the workspace does not answer; try again';
    return { status: 503, body: bodyOf('ServiceUnavailable', message), retryAfter: 5 };
  }
  if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    const message = 'there is no room left where the workspace is; make some, and try again';
    return { status: 507, body: bodyOf('InsufficientStorage', message), retryAfter: 60 };
  }
  return null;
}

export function bodyOf(
  code: string,
  message: string,
  target?: string,
  details: readonly RefusalDetail[] = [],
): ErrorBody {
  return {
    error: {
      ...{ code, message },
      ...(target !== undefined && { target }),
      details: details.map((detail) => bodyOf(detail.code, detail.message, detail.target).error),
    },
  };
}
