import { badRequest } from './request-error.ts';

/**
 * The bytes of a base64 text (RFC 4648, either alphabet, padding or none), which may be broken into lines as Python's
 * `base64.encodebytes` does it.
 *
 * @param target place in the request, for errors
 * @throws RequestError (400) for other characters, and for text that was cut
 */
export function decodeBase64(text: string, target: string): Uint8Array {
  const solid = /\s/.test(text) ? text.replace(/\s+/g, '') : text;
  if (solid === '') throw badRequest('the image is empty', target);
  const padding = solid.endsWith('==') ? 2 : solid.endsWith('=') ? 1 : 0;
  const digits = solid.length - padding;
  const bytes = Buffer.from(solid, 'base64');
  // Node leaves out what is no digit; so a text with anything else in it gives fewer bytes than it should.
  if (digits % 4 !== 1 && bytes.length === Math.floor((digits * 3) / 4)) return bytes;
  const odd = /[^A-Za-z0-9+/_-]/.exec(solid.slice(0, digits));
  if (odd) throw badRequest(`the image is not base64: it has ${JSON.stringify(odd[0])} in it${hintFor(solid)}`, target);
  throw badRequest('the image is not whole: its base64 was cut off', target);
}

const hintFor = (text: string): string =>
  text.startsWith('data:') ? '; leave out what stands before the comma of a data URL' : '';
