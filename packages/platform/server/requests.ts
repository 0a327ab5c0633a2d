import type { Context } from 'hono';
import { invalid, Refusal } from '../refusal.ts';
import type { Principal } from './tokens.ts';

/** What is known of a request. */
export interface RequestEnv {
  Variables: { principal: Principal; requestId: string };
}

export type RequestContext = Context<RequestEnv>;

/** Bodies of requests are not larger, in bytes. */
const mostBodyBytes = 1 << 20;
const mostDepth = 64;

/**
 * The JSON object that a request has for a body.
 * @param options.mostBytes a larger body is refused
 * @throws Refusal for what is none, or is nested deeper than anybody means
 */
export async function jsonBody(
  context: RequestContext,
  { mostBytes = mostBodyBytes } = {},
): Promise<Record<string, unknown>> {
  const type = context.req.header('content-type') ?? 'application/json';
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new Refusal('invalid', 'UnsupportedMediaType', `the body should be application/json, not ${type}`);
  }
  const bytes = await bodyBytes(context.req.raw, mostBytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('the body is not UTF-8', undefined, 'InvalidRequestContent');
  }
  if (depthOf(text) > mostDepth)
    throw invalid('the body has too many brackets inside of each other', undefined, 'InvalidRequestContent');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`the body is not JSON: ${(error as Error).message}`, undefined, 'InvalidRequestContent');
  }
  if (isObject(value)) return value;
  throw invalid('the body should be a JSON object', undefined, 'InvalidRequestContent');
}

/** @throws Refusal for a body that is too large, having read no more of it than is allowed */
async function bodyBytes({ body, headers }: Request, most: number): Promise<Uint8Array> {
  const tooLarge = () => {
    const message = `the body has more than ${most.toLocaleString('en')} bytes`;
    return new Refusal('invalid', 'RequestTooLarge', message);
  };
  if (Number(headers.get('content-length') ?? 0) > most) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return Buffer.concat(parts, length);
    length += part.value.length;
    if (length > most) throw tooLarge();
    parts.push(part.value);
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A map of texts. @throws Refusal for what is none */
export function textMap(value: unknown, target: string): Record<string, string> {
  if (isObject(value) && Object.values(value).every((text) => typeof text === 'string'))
    return value as Record<string, string>;
  throw invalid(`${target} should be a map of texts`, target);
}

/** Brackets inside of each other; those in strings do not count. */
function depthOf(text: string): number {
  let [depth, most] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    } else if (code === 0x7b || code === 0x5b) most = Math.max(most, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return most;
}
