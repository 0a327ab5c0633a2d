// This project's side of the comparison of image decoding; see images.ts.
import { availableParallelism } from 'node:os';
import { BatchLoader, type Decode, decodeImage, imageSize } from '@fovea/data';
import { centreCrop, randomResizedCrop, resizeShortSide, torchRandom } from '@fovea/vision';
import { answerRequests, timed } from './answer-requests.ts';

export type Transform = 'training' | 'validation';

interface Decoding {
  transform: Transform;
  /** How often all photos are decoded. */
  passes: number;
}

interface Photo {
  file: string;
  width: number;
  height: number;
}

const SIZE = 224;
const RESIZE = 256;
let photos: Photo[] = [];
let seed = 0;
let loader: BatchLoader | undefined;

/** What a training job asks of the decoder, but for the colours that it changes. */
const decodeOf: Record<Transform, (photo: Photo) => Decode> = {
  training({ file, width, height }) {
    const random = torchRandom(seed++);
    const crop = randomResizedCrop(width, height, random);
    return { file, crop, resize: { width: SIZE, height: SIZE }, flip: random.uniform(0, 1) < 0.5, fast: true };
  },
  validation({ file, width, height }) {
    const resize = resizeShortSide(width, height, RESIZE);
    return { file, resize, cropAfter: centreCrop(resize.width, resize.height, SIZE).source };
  },
};

await answerRequests({
  /** Sizes are known before: a job opens every image once, before it trains. */
  async prepare_decoding({ files }: { files: string[] }) {
    photos = await Promise.all(files.map(async (file) => ({ file, ...(await imageSize({ file })) })));
  },

  decode: ({ transform, passes }: Decoding) =>
    timed(async () => {
      for (let pass = 0; pass < passes; pass++)
        for (const photo of photos) await decodeImage(decodeOf[transform](photo));
    }),

  /** The same on all cores, through the loader that training uses; each pass is a batch. */
  load({ transform, passes }: Decoding) {
    loader ??= new BatchLoader({ workers: availableParallelism() });
    const batches = loader.run(Array.from({ length: passes }, () => photos.map(decodeOf[transform])));
    return timed(async () => {
      for await (const batch of batches) batch.release();
    });
  },
});
