import { Refusal, type RefusalReason } from '../refusal.ts';
import type { ErrorBody } from '../server/error-answer.ts';
import { protocol } from '../wire/protocol.ts';
import { ServerUnreachable } from './unreachable.ts';

const reasons: Readonly<Record<number, RefusalReason>> = {
  ...{ 400: 'invalid', 401: 'forbidden', 403: 'forbidden', 404: 'not-found', 405: 'invalid', 409: 'conflict' },
  ...{ 412: 'changed', 413: 'invalid', 415: 'invalid', 429: 'busy', 503: 'busy', 507: 'busy' },
};

export interface Refused {
  readonly status: number;
  /** The version that the server says it speaks; 0: it says none. */
  readonly spoken: number;
  readonly origin: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** What a server refused, as it would have been thrown on its machine. */
export async function refusalOf(
  body: Partial<ErrorBody> | null,
  { status, spoken, origin, retryAfter }: Refused,
): Promise<Error> {
  const { code = '', message, target, details = [] } = body?.error ?? {};
  if (status === 401) {
    const how = 'fovea token create on its machine makes one; it is given in FOVEA_TOKEN, or a file by --token-file';
    return new Refusal('forbidden', 'InvalidAuthenticationToken', `${origin} wants a token that it knows: ${how}`);
  }
  if (spoken !== protocol) return otherServer(spoken, origin, status);
  if (Array.isArray(body?.issues)) {
    const { IssuesError } = await import('@fovea/data');
    return new IssuesError(body.issues);
  }
  const reason = reasons[status];
  if (message === undefined || reason === undefined) {
    const said = message === undefined ? '' : `: ${message}`;
    return new ServerUnreachable(`${origin} failed (${status})${said}`, { passing: status >= 502 });
  }
  const again = retryAfter !== undefined && Number.isFinite(retryAfter) ? { retryAfter } : {};
  return new Refusal(reason, code, message, { target, details, ...again });
}

/** The server speaks another language. */
function otherServer(spoken: number, origin: string, status: number): Error {
  if (spoken === 0) {
    const guess = 'it is no fovea serve, or one of an older fovea';
    return new ServerUnreachable(`${origin} does not answer as a server of this fovea (${status}): ${guess}`, {
      passing: status >= 502,
    });
  }
  const [older, newer] = spoken < protocol ? ['the server', 'this machine'] : ['this machine', 'the server'];
  return new ServerUnreachable(
    `the fovea of ${older} is older than that of ${newer} (${origin} speaks version ${spoken}, and this one ${protocol}); update ${older}`,
    { passing: false },
  );
}
