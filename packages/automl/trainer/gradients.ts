import { nn, ops, type Parameter, stack, type Tensor, tidy } from '@fovea/torch';
import { type ImageBatch, partOf } from './image-stream.ts';
import { inPieces, type Pieces } from './in-pieces.ts';
import { forwardIn, type Precision } from './precision.ts';
import type { Training } from './train.ts';
import type { Sample } from './training-task.ts';

/**
 * Forward and backward on one batch; its gradient is added to what is there. Where memory does not suffice for the whole batch it is
 * computed in pieces, whose losses are weighted so that their gradients add up to the whole one's. (Batch norm sees each piece by
 * itself.)
 *
 * @returns the mean loss of the batch, the terms that it is the sum of, and in how many pieces it was computed
 * @throws OutOfMemoryError; the gradients that were there are there still
 */
export function addGradients<S extends Sample, A>(
  { task, images, device }: Pick<Training<S, A>, 'task' | 'images' | 'device'>,
  batch: ImageBatch<S>,
  { precision, ...start }: { precision: Precision } & Omit<Pieces, 'least'>,
): BatchLoss & { pieces: number } {
  const { model } = task;
  const weight = task.lossWeight(batch.samples);
  const factor = task.minimisesSum ? batch.samples.length : 1;
  const lossOf = (part: ImageBatch<S>): BatchLoss =>
    tidy(() => {
      const input = images.input(part, device).contiguous(precision.memoryFormat);
      const { loss, parts } = task.losses(input, part.samples, (forward) => forwardIn(precision, device, forward));
      const share = task.lossWeight(part.samples) / weight;
      loss.mul(share * factor).backward();
      const names = Object.keys(parts);
      // Read at once: each reading waits for the device.
      const values = stack([loss, ...names.map((name) => parts[name])].map((term) => term.detach().float()))
        .mul(share)
        .toArray() as number[];
      return { loss: values[0], parts: Object.fromEntries(names.map((name, i) => [name, values[i + 1]])) };
    });

  const parameters = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  // Set aside, so that what an attempt leaves that finds no memory can be dropped.
  const earlier = parameters.map((parameter) => parameter.grad);
  try {
    const { result, pieces } = inPieces(batch.samples.length, { ...start, least: leastImages(model) }, (spans) => {
      model.zeroGrad();
      return spans.map(([from, to]) => lossOf(partOf(batch, from, to))).reduce(summed);
    });
    add(parameters, earlier);
    return { ...result, pieces };
  } catch (error) {
    for (const [i, parameter] of parameters.entries()) parameter.grad = earlier[i];
    throw error;
  } finally {
    for (const gradient of earlier) gradient?.dispose();
  }
}

/** A loss and its terms, as numbers. */
export interface BatchLoss {
  loss: number;
  parts: Readonly<Record<string, number>>;
}

const summed = (a: BatchLoss, b: BatchLoss): BatchLoss => ({
  loss: a.loss + b.loss,
  parts: Object.fromEntries(Object.entries(a.parts).map(([name, value]) => [name, value + b.parts[name]])),
});

function add(parameters: readonly Parameter[], earlier: readonly (Tensor | null)[]): void {
  tidy(() => {
    const pairs = parameters.flatMap((parameter, i) => {
      const gradient = parameter.grad;
      const before = earlier[i];
      if (!gradient) parameter.grad = before;
      return gradient && before ? [[gradient, before]] : [];
    });
    if (pairs.length > 0)
      ops._foreachAddList_(
        pairs.map(([gradient]) => gradient),
        pairs.map(([, before]) => before),
      );
  });
}

/** Batch norm has no statistics over a single image. */
function leastImages(model: nn.AnyModule): number {
  return [...model.namedModules()].some(([, module]) => module instanceof nn.BatchNorm2d) ? 2 : 1;
}
