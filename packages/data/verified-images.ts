import { type Memory, RememberedImages } from './remembered-images.ts';
import { sharp } from './sharp.ts';

type Size = readonly [width: number, height: number];

const memory: Memory<Size> = {
  name: 'verified-images',
  version: `2 ${sharp.versions.vips}`,
  isValue: (value): value is Size =>
    Array.isArray(value) && value.length === 2 && value.every((side) => typeof side === 'number' && side > 0),
};

/** Which images were decoded without fault, and their sizes after EXIF orientation. */
export type VerifiedImages = RememberedImages<Size>;

/** What `folder` remembers of them. */
export const openVerifiedImages = (folder: string): Promise<VerifiedImages> => RememberedImages.open(folder, memory);
