import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { CommandFailure } from './failure.ts';
import { printable } from './printable.ts';

export interface ScoreRequest {
  readonly url: string;
  readonly token: string;
  /** Past the rules of traffic. */
  readonly deployment?: string | undefined;
  readonly type: string;
  readonly body: Buffer | string;
  /** A file with an authority that is trusted besides the usual ones, where the address is of https; null: none. */
  readonly authority: string | null;
}

export interface ScoreAnswer {
  readonly status: number;
  readonly text: string;
  /** What the text says as JSON; undefined: it is none. */
  readonly json: unknown;
}

/** The longest that an endpoint may take, and some more. */
const longestMilliseconds = 240_000;

/** Asks an endpoint. @throws CommandFailure when nobody answers there */
export async function score({ url, token, deployment, type, body, authority }: ScoreRequest): Promise<ScoreAnswer> {
  const isSecure = url.startsWith('https:');
  const ca =
    isSecure && authority !== null ? [...getCACertificates('default'), readFileSync(authority, 'utf8')] : undefined;
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...(deployment !== undefined && { 'azureml-model-deployment': deployment }),
  };
  const { status, text } = await new Promise<{ status: number; text: string }>((done, failed) => {
    const ask = isSecure ? httpsRequest : httpRequest;
    const asking = ask(url, { method: 'POST', headers, ...(ca && { ca }), timeout: longestMilliseconds }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', failed);
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }));
    });
    asking.on('timeout', () => asking.destroy(new Error('it took too long')));
    asking.on('error', failed);
    asking.end(body);
  }).catch((error: Error) => {
    throw new CommandFailure(`nobody answers at ${url}: ${error.message}`);
  });
  return { status, text, json: jsonOf(text) };
}

/** Why a request was not answered, in the words of who refused it. */
export function refusalOf({ status, text, json }: ScoreAnswer): string {
  const error = (json as { error?: { message?: unknown } } | undefined)?.error;
  const said = typeof error?.message === 'string' ? error.message : text.trim().slice(0, 300);
  return `${status}${said === '' ? '' : `: ${printable(said)}`}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
