import type { Pixels } from '../decode.ts';
import { sharp } from '../sharp.ts';
import { contactSheet, type DrawnObject, drawObjects } from './draw.ts';

/** A picture and what lies in it. */
export interface SheetPicture {
  readonly picture: Pixels;
  readonly objects: readonly DrawnObject[];
}

/**
 * Pictures with their objects drawn on them, side by side. Each is brought to the size of its cell first, so that lines and labels
 * are as thick on all; a small one is enlarged without smoothing.
 * @param options.classes in the order that gives each its colour
 * @param options.cell side of a cell in pixels. Default 400
 * @returns a PNG
 * @throws RangeError when there is no picture
 */
export async function sampleSheet(
  pictures: AsyncIterable<SheetPicture> | Iterable<SheetPicture>,
  { classes, cell = 400 }: { classes: readonly string[]; cell?: number },
): Promise<Buffer> {
  const drawn: Pixels[] = [];
  for await (const { picture, objects } of pictures)
    drawn.push(await drawObjects(await inCell(picture, cell), objects, { classes }));
  return contactSheet(drawn, { cell });
}

async function inCell({ pixels, width, height }: Pixels, cell: number): Promise<Pixels> {
  const isSmall = Math.max(width, height) < cell;
  const { data, info } = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(cell, cell, { fit: 'inside', kernel: isSmall ? 'nearest' : 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    pixels: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    width: info.width,
    height: info.height,
  };
}
