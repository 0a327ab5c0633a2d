/** What a request is for, by its address. */
export type RequestTarget =
  | { readonly kind: 'score' | 'swagger' | 'state'; readonly endpoint: string; readonly query: string }
  | { readonly kind: 'health' }
  | { readonly kind: 'metrics' };

const ROUTES = { '/score': 'score', '/swagger.json': 'swagger', '/': 'state' } as const;
const PATH = /^\/([A-Za-z][A-Za-z0-9-]{0,63})(\/score|\/swagger\.json|\/)?$/;
const HOST = /^([A-Za-z][A-Za-z0-9-]{0,63})\.localhost(?:\.[A-Za-z0-9.-]+)?(?::\d{1,5})?$/;

/**
 * Reads the address of a request: `/<endpoint>/score`, or `/score` where the host is `<endpoint>.localhost`.
 *
 * @param url as it stands in the request's first line; nothing in it is decoded, as no name needs that
 * @returns null for what leads nowhere
 */
export function requestTarget(url: string, host: string | undefined): RequestTarget | null {
  // A proxy's form: http://host/path.
  const [, authority = host, rest = url] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  const at = rest.indexOf('?');
  const [path, query] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at + 1)];
  if (Object.hasOwn(ROUTES, path)) {
    const [, endpoint] = HOST.exec(authority ?? '') ?? [];
    if (endpoint !== undefined) return { kind: ROUTES[path as keyof typeof ROUTES], endpoint, query };
  }
  if (path === '/healthz') return { kind: 'health' };
  if (path === '/metrics') return { kind: 'metrics' };
  const [, endpoint, route = '/'] = PATH.exec(path) ?? [];
  return endpoint === undefined ? null : { kind: ROUTES[route as keyof typeof ROUTES], endpoint, query };
}
