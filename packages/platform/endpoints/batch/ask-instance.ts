import { type Agent, request } from 'node:http';

/** What came of a request. */
export type Outcome =
  | { readonly kind: 'answered'; readonly answers: readonly Readonly<Record<string, unknown>>[] }
  /** It would be refused again. */
  | { readonly kind: 'refused'; readonly message: string }
  /** Another time, or another instance, may do it. */
  | { readonly kind: 'failed'; readonly message: string; readonly isTimeout: boolean };

/** The instance has so long to say itself that it took too long. */
const graceMilliseconds = 2000;

/**
 * Asks an instance at its socket.
 * @param elements as they stand in a request's `input_data.data`
 * @param seconds that the answer may take
 */
export async function askInstance(
  agent: Agent,
  socket: string,
  elements: readonly string[],
  seconds: number,
): Promise<Outcome> {
  const body = JSON.stringify({ input_data: { columns: ['image'], data: elements } });
  const tooLong = `there was no answer within ${seconds} s (retry_settings.timeout)`;
  let answered: { status: number; text: string };
  try {
    answered = await post(agent, socket, body, seconds * 1000 + graceMilliseconds);
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    return { kind: 'failed', message: isTimeout ? tooLong : (error as Error).message, isTimeout };
  }
  const { status, text } = answered;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'failed', message: `the instance answered with status ${status} and no JSON`, isTimeout: false };
  }
  if (status === 200 && Array.isArray(json) && json.length === elements.length)
    return { kind: 'answered', answers: json };
  const said = (json as { error?: { message?: unknown } } | null)?.error?.message;
  const message = typeof said === 'string' ? said : `the instance answered with status ${status}`;
  if (status === 408) return { kind: 'failed', message: tooLong, isTimeout: true };
  return status >= 400 && status < 500 && status !== 429
    ? { kind: 'refused', message: message.replace(/^input_data\.data\[\d+\](?:\.\w+)?(?=:? )/, 'it') }
    : { kind: 'failed', message, isTimeout: false };
}

function post(
  agent: Agent,
  socketPath: string,
  body: string,
  milliseconds: number,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const signal = AbortSignal.timeout(milliseconds);
  const options = { agent, socketPath, method: 'POST', path: '/score', headers, signal };
  const sent = request(options, async (response) => {
    try {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part);
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') });
    } catch (error) {
      reject(signal.aborted ? signal.reason : error);
    }
  });
  sent.on('error', (error) => reject(signal.aborted ? signal.reason : error));
  sent.end(body);
  return promise;
}
