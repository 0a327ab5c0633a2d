/**
 * The same GIF with no colour of its first frame declared transparent: that colour shows, as where alpha is dropped from other
 * formats. A decoder gives black in its place.
 */
export function withoutTransparency(gif: Uint8Array): Uint8Array {
  const colours = (packed: number) => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);
  let at = 13 + colours(gif[10]);
  // Extensions before the first frame; one of them says what is transparent in it.
  while (gif[at] === 0x21) {
    if (gif[at + 1] === 0xf9 && gif[at + 3] & 1) {
      const copy = gif.slice();
      copy[at + 3] &= ~1;
      return copy;
    }
    at += 2;
    while (gif[at] > 0) at += gif[at] + 1;
    at++;
  }
  return gif;
}

export const isGif = (bytes: Uint8Array): boolean => bytes[0] === 0x47 && bytes[1] === 0x49 && bytes[2] === 0x46;
