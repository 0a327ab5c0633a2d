/**
 * The address of something on this machine, for who asked by another name of it: what answers at all its addresses calls itself localhost.
 * @param asked the address of the request
 */
export function reachableUri(uri: string | null, asked: string): string | null {
  if (uri === null) return null;
  const url = new URL(uri);
  if (url.hostname === 'localhost') url.hostname = new URL(asked).hostname;
  return url.href;
}
