/** Names of text encodings, as MLTable spells them. */
export const ENCODINGS = ['utf8', 'iso88591', 'latin1', 'ascii', 'utf16', 'utf32', 'utf8bom', 'windows1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * Bytes as text, a byte order mark taken off. Null when the bytes are not valid in this encoding.
 * `utf16` and `utf32` without a mark are little-endian.
 */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string | null {
  try {
    switch (encoding) {
      case 'utf8':
      case 'utf8bom':
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      case 'ascii':
        return bytes.some((byte) => byte > 127) ? null : Buffer.from(bytes).toString('latin1');
      // TextDecoder takes both names for windows-1252, which differs in 0x80..0x9f.
      case 'iso88591':
      case 'latin1':
        return Buffer.from(bytes).toString('latin1');
      case 'windows1252':
        return new TextDecoder('windows-1252').decode(bytes);
      case 'utf16':
        return new TextDecoder(bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-16le', {
          fatal: true,
        }).decode(bytes);
      case 'utf32':
        return decodeUtf32(bytes);
    }
  } catch {
    return null;
  }
}

function decodeUtf32(bytes: Uint8Array): string | null {
  if (bytes.length % 4 !== 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = bytes.length === 0 || view.getUint32(0) !== 0xfeff;
  const characters: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) characters.push(String.fromCodePoint(view.getUint32(at, littleEndian)));
  return characters.join('').replace(/^\ufeff/, '');
}
