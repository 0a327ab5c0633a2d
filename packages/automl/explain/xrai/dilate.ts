/**
 * The pixels of a mask and all within `radius` of them: dilation with a disk, all (dx, dy) with dx² + dy² ≤ radius².
 *
 * @param mask 0 or 1 for each pixel, row by row
 */
export function dilate(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  if (radius === 0) return mask;
  const grown = new Uint8Array(mask.length);
  const reaches = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.floor(Math.sqrt(radius ** 2 - (i - radius) ** 2)),
  );
  for (let y = 0; y < height; y++) {
    const row = mask.subarray(y * width, (y + 1) * width);
    for (let from = row.indexOf(1); from >= 0; ) {
      const gap = row.indexOf(0, from);
      const to = gap < 0 ? width : gap;
      for (let dy = -radius; dy <= radius; dy++) {
        if (y + dy < 0 || y + dy >= height) continue;
        const reach = reaches[dy + radius];
        const line = (y + dy) * width;
        grown.fill(1, line + Math.max(0, from - reach), line + Math.min(width, to + reach));
      }
      from = row.indexOf(1, to);
    }
  }
  return grown;
}
