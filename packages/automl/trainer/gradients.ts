import { nn, ops, type Parameter, type Tensor, tidy } from '@fovea/torch';
import { type ImageBatch, partOf } from './image-stream.ts';
import { inPieces, type Pieces } from './in-pieces.ts';
import { forwardIn, type Precision } from './precision.ts';
import type { Training } from './train.ts';

/**
 * Forward and backward on one batch; its gradient is added to what is there. Where memory does not suffice for the whole batch it is
 * computed in pieces, whose losses are weighted so that their gradients add up to the whole one's. (Batch norm sees each piece by
 * itself.)
 *
 * @returns the mean loss of the batch, and in how many pieces it was computed
 * @throws OutOfMemoryError; the gradients that were there are there still
 */
export function addGradients(
  { model, task, images, device }: Pick<Training, 'model' | 'task' | 'images' | 'device'>,
  batch: ImageBatch,
  { precision, ...start }: { precision: Precision } & Omit<Pieces, 'least'>,
): { loss: number; pieces: number } {
  const weight = task.lossWeight(batch.records);
  const lossOf = (part: ImageBatch) =>
    tidy(() => {
      const input = images.input(part, device).contiguous(precision.memoryFormat);
      const logits = forwardIn(precision, device, () => model.forward(input));
      const loss = task.loss(logits, task.targets(part.records, device)).mul(task.lossWeight(part.records) / weight);
      loss.backward();
      return loss.item();
    });

  const parameters = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  // Set aside, so that what an attempt leaves that finds no memory can be dropped.
  const earlier = parameters.map((parameter) => parameter.grad);
  try {
    const { result: loss, pieces } = inPieces(
      batch.records.length,
      { ...start, least: leastImages(model) },
      (spans) => {
        model.zeroGrad();
        return spans.reduce((sum, [from, to]) => sum + lossOf(partOf(batch, from, to)), 0);
      },
    );
    add(parameters, earlier);
    return { loss, pieces };
  } catch (error) {
    for (const [i, parameter] of parameters.entries()) parameter.grad = earlier[i];
    throw error;
  } finally {
    for (const gradient of earlier) gradient?.dispose();
  }
}

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
function leastImages(model: nn.Module): number {
  return [...model.namedModules()].some(([, module]) => module instanceof nn.BatchNorm2d) ? 2 : 1;
}
