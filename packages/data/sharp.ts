import sharp, { type Sharp, type SharpOptions } from 'sharp';

// Images are decoded several at once: threads of sharp's own would only get in each other's way, and no image comes again
// soon enough for its cache.
sharp.concurrency(1);
sharp.cache(false);

export { type Sharp, type SharpOptions, sharp };
