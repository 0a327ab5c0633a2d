import { sep } from 'node:path';

/** The test files that take half a minute and more on two cores, the slowest first. */
export const slowTests = [
  'packages/automl/job/drawn-retinanet.test.ts',
  'packages/automl/job/drawn-masks.test.ts',
  'packages/automl/job/drawn-faster-rcnn.test.ts',
  'packages/automl/job/drawn-yolov5.test.ts',
  'packages/platform/killed-sweep.test.ts',
  'packages/automl/job/detection-job.test.ts',
  'packages/platform/broken-machines.test.ts',
  'packages/cli/masks.test.ts',
  'packages/cli/detector.test.ts',
  'packages/cli/job-life.test.ts',
  'packages/vision/parity/detector.test.ts',
  'packages/automl/job/killed-job.test.ts',
  'packages/automl/goldens/goldens.test.ts',
] as const;

/** The same files, those first that take longest: the end of a run then waits for none of them alone. */
export function slowFirst(files: readonly string[]): string[] {
  const rank = (file: string) => {
    const place = slowTests.findIndex((slow) => file.split(sep).join('/').endsWith(`/${slow}`));
    return place < 0 ? slowTests.length : place;
  };
  // Sorting is stable: the others stay in their order.
  return [...files].sort((a, b) => rank(a) - rank(b));
}
