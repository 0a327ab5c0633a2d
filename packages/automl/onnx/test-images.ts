import { mixSeeds, torchRandom } from '@fovea/vision/transforms';

/**
 * Random numbers for a batch of images, the same ones every time. They come from outside the engine, so that looking at a model does
 * not move its random generators.
 *
 * @returns uniform in [low, high), as many as the shape has elements
 */
export function testImages(shape: readonly number[], low = -2, high = 2): Float32Array {
  const random = torchRandom(mixSeeds(...shape));
  return Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () =>
    random.uniform(low, high),
  );
}
