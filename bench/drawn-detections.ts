import type { DetectionRecords } from '@fovea/automl/metrics';

export interface DrawnDetections {
  images: number;
  categories: number;
  truthsPerImage: number;
  detectionsPerImage: number;
}

/** What a fair model would find: objects of a few classes in each image, most found once or twice, the rest of the boxes anywhere. */
export function drawDetections({
  images,
  categories,
  truthsPerImage,
  detectionsPerImage,
}: DrawnDetections): DetectionRecords {
  const random = randomNumbers(7);
  const truths = emptyRecords(images * truthsPerImage);
  const crowd = new Uint8Array(images * truthsPerImage);
  const area = new Float64Array(images * truthsPerImage);
  const detections = emptyRecords(images * detectionsPerImage);
  const score = new Float64Array(images * detectionsPerImage);
  for (let image = 0; image < images; image++) {
    const classes = Array.from({ length: 3 }, () => Math.floor(random() * categories));
    const first = image * truthsPerImage;
    for (let i = first; i < first + truthsPerImage; i++) {
      const size = 10 + 300 * random() ** 3;
      const box = [random() * 500, random() * 400, size, size * (0.5 + random())];
      put(truths, i, image, classes[Math.floor(random() * classes.length)], box);
      crowd[i] = random() < 0.01 ? 1 : 0;
      area[i] = box[2] * box[3] * (0.5 + random() / 2);
    }
    for (let n = 0; n < detectionsPerImage; n++) {
      const i = image * detectionsPerImage + n;
      const near = n < 2 * truthsPerImage;
      const truth = first + (n % truthsPerImage);
      const shift = () => (near ? (random() - 0.5) * 0.3 : random() * 3);
      const [x, y, width, height] = truths.box.subarray(4 * truth, 4 * truth + 4);
      const box = [
        x + shift() * width,
        y + shift() * height,
        width * Math.exp(shift() - (near ? 0 : 1.5)),
        height * Math.exp(shift() - (near ? 0 : 1.5)),
      ];
      const category =
        random() < (near ? 0.9 : 0.5) ? truths.category[truth] : classes[Math.floor(random() * classes.length)];
      put(detections, i, image, category, box);
      score[i] = Math.fround(near ? random() : random() ** 3);
    }
  }
  return { images, categories, truths: { ...truths, crowd, area }, detections: { ...detections, score } };
}

interface Places {
  image: Int32Array;
  category: Int32Array;
  box: Float64Array;
}

const emptyRecords = (count: number): Places => ({
  image: new Int32Array(count),
  category: new Int32Array(count),
  box: new Float64Array(4 * count),
});

function put(records: Places, i: number, image: number, category: number, box: readonly number[]): void {
  records.image[i] = image;
  records.category[i] = category;
  records.box.set(box, 4 * i);
}

/** Numbers of 0 … 1 that are the same for a seed. Steele et al. 2014, SplitMix; as mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
