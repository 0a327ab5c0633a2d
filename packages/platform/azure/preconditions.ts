import { createHash } from 'node:crypto';
import { Refusal } from '../refusal.ts';
import type { RequestContext } from '../server/requests.ts';

/** Names the state of a resource by what is answered of it. */
export const etagOf = (body: object): string =>
  `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 27)}"`;

/**
 * Holds a change to what `If-Match` and `If-None-Match` say.
 * @param current the resource as it would be answered now; null when it is not there
 * @throws Refusal when the resource is not as the client believes
 */
export function requirePreconditions(context: RequestContext, current: object | null): void {
  const match = context.req.header('if-match');
  const none = context.req.header('if-none-match');
  const changed = (message: string) => new Refusal('changed', 'PreconditionFailed', message);
  if (match !== undefined) {
    if (current === null) throw changed('If-Match: there is no such resource');
    if (match.trim() !== '*' && !tags(match).includes(etagOf(current))) {
      throw changed('If-Match: the resource has changed; read it again');
    }
  }
  if (none === undefined || current === null) return;
  if (none.trim() === '*') throw changed('If-None-Match: there is such a resource already');
  if (tags(none).includes(etagOf(current))) throw changed('If-None-Match: the resource has not changed');
}

const tags = (header: string): string[] => header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));

/** One after another for each resource: what a condition was held to is still so when the change is made. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(resource: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(resource) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => {});
    this.#last.set(resource, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(resource) === settled) this.#last.delete(resource);
    }
  }
}
