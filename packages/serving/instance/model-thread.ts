// The thread of an instance that has the network: ONNX Runtime keeps the thread that calls it until it has the answer.
import { parentPort, workerData } from 'node:worker_threads';
import { type MaskDetectorFolder, readModelFolder } from '@fovea/automl/model-folder';
import type { Pixels } from '@fovea/data/decode';
import { type ObjectPrediction, openDetector } from '../detector.ts';
import type { MaskPrediction, Prediction } from '../load-model.ts';
import { maskAnswers } from '../mask-answers.ts';
import { openMaskDetector } from '../mask-detector.ts';
import { type Preparation, preparationOf } from '../prepare.ts';
import { probabilitiesOf } from '../probabilities.ts';
import { openSession } from '../session.ts';
import type { PreparedImage } from './prepared-image.ts';
import type { ServedModel } from './served-model.ts';

export interface ModelThreadData {
  readonly folder: string;
  readonly threads: number;
}

/** What the model says of one image, in the form of the answer. */
export type Answer = Prediction | ObjectPrediction | MaskPrediction;

/** Why the network has no answer to an image of this shape. */
export interface Refusal {
  readonly refused: string;
}

export type ModelThreadMessage =
  | { readonly kind: 'opened'; readonly model: ServedModel; readonly preparation: Preparation | null }
  | { readonly kind: 'scored'; readonly answers: readonly (Answer | Refusal)[]; readonly seconds: number }
  | { readonly kind: 'failed'; readonly error: unknown };

interface Network {
  readonly model: ServedModel;
  /** Null: it takes whole images, one at a time. */
  readonly preparation: Preparation | null;
  score(images: readonly PreparedImage[]): Promise<(Answer | Refusal)[]>;
}

async function open({ folder, threads }: ModelThreadData): Promise<Network> {
  const model = await readModelFolder(folder);
  const { task, modelName, labels } = model;
  const served = { task, modelName, labels };
  switch (model.task) {
    case 'image_object_detection': {
      const network = await openDetector(model, threads);
      return { model: served, preparation: null, score: eachWhole((image) => network.detect(image, '')) };
    }
    case 'image_instance_segmentation': {
      const answer = await maskAnswerer(model, threads);
      return { model: served, preparation: null, score: eachWhole(answer) };
    }
    default: {
      const session = await openSession(model, threads);
      const preparation = preparationOf(model);
      const probabilities = probabilitiesOf(model.task);
      const shape = [3, preparation.cropSize, preparation.cropSize];
      return {
        model: served,
        preparation,
        async score(images) {
          const input = joined(images.map(inputOf));
          const logits = await session.run(input, [images.length, ...shape]);
          const rows = images.map((_, i) => logits.subarray(i * labels.length, (i + 1) * labels.length));
          return rows.map((row) => ({ probs: probabilities(row), labels: [...labels] }));
        },
      };
    }
  }
}

async function maskAnswerer(
  model: MaskDetectorFolder,
  threads: number,
): Promise<(image: Pixels) => Promise<MaskPrediction>> {
  const network = await openMaskDetector(model, threads);
  return async (image) => {
    const { boxes, masks } = await network.find(image, '');
    const answers = await maskAnswers(masks, model.settings);
    return { boxes: boxes.map((box, i) => ({ ...box, ...answers[i] })) };
  };
}

const eachWhole =
  (look: (image: Pixels) => Promise<Answer>): Network['score'] =>
  async (images) => {
    const answers: (Answer | Refusal)[] = [];
    for (const prepared of images) {
      if (prepared.kind !== 'whole') throw new TypeError('a detector takes whole images');
      const { image } = prepared;
      answers.push(await look(image).catch((error) => refusal(image, error)));
    }
    return answers;
  };

/** A network that answered a common image, and not this one, does not take it. */
function refusal({ width, height }: Pixels, error: unknown): Refusal {
  const reason = error instanceof Error ? error.message : String(error);
  if (/alloc|memory/i.test(reason)) throw error;
  return { refused: `the network does not take an image of ${width} × ${height} pixels: ${reason}` };
}

function inputOf(prepared: PreparedImage): Float32Array {
  if (prepared.kind !== 'input') throw new TypeError('a classifier takes images that were cropped');
  return prepared.input;
}

function joined(inputs: readonly Float32Array[]): Float32Array {
  if (inputs.length === 1) return inputs[0];
  const all = new Float32Array(inputs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const input of inputs) {
    all.set(input, at);
    at += input.length;
  }
  return all;
}

const port = parentPort;
if (port) {
  const send = (message: ModelThreadMessage) => port.postMessage(message);
  try {
    const network = await open(workerData);
    const score = async (images: readonly PreparedImage[]) => {
      const begun = performance.now();
      try {
        const answers = await network.score(images);
        send({ kind: 'scored', answers, seconds: (performance.now() - begun) / 1000 });
      } catch (error) {
        send({ kind: 'failed', error });
      }
    };
    let before: Promise<void> = Promise.resolve();
    port.on('message', (images: readonly PreparedImage[]) => {
      // One batch after the other.
      before = before.then(() => score(images));
    });
    send({ kind: 'opened', model: network.model, preparation: network.preparation });
  } catch (error) {
    send({ kind: 'failed', error });
  }
}
