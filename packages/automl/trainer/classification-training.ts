import type { ImageRecord } from '@fovea/data';
import { cat, type nn, noGrad, type Tensor, tidy } from '@fovea/torch';
import type { Normalisation } from '@fovea/vision';
import type { ClassificationTask } from './classification-task.ts';
import type { Evaluation, InPrecision, Losses, Sample, SampleMoment, TrainingTask } from './training-task.ts';

/** An image with its labels. */
export interface ClassificationSample extends Sample {
  readonly record: ImageRecord;
}

interface Setting {
  model: nn.Module;
  task: ClassificationTask;
  train: readonly ImageRecord[];
  validation: readonly ImageRecord[];
  normalisation: Normalisation;
}

/** A network that learns to tell classes of images apart. */
export class ClassificationTraining implements TrainingTask<ClassificationSample, Tensor> {
  readonly model: nn.Module;
  readonly normalisation: Normalisation;
  readonly minimisesSum = false;
  readonly averagesWeights = false;
  readonly decaysWeightsOnly = false;
  readonly #task: ClassificationTask;
  readonly #train: readonly ImageRecord[];
  readonly #validation: readonly ImageRecord[];

  constructor({ model, task, train, validation, normalisation }: Setting) {
    this.model = model;
    this.normalisation = normalisation;
    this.#task = task;
    this.#train = train;
    this.#validation = validation;
  }

  get name() {
    return this.#task.name;
  }

  get primaryMetric(): string {
    return this.#task.primaryMetric;
  }

  get classes(): readonly string[] {
    return this.#task.classes;
  }

  get trainingImages(): number {
    return this.#train.length;
  }

  get validationImages(): number {
    return this.#validation.length;
  }

  trainingSamples(images: readonly number[], { seed, epoch, position }: SampleMoment): ClassificationSample[] {
    return images.map((image, i) => {
      const record = this.#train[image];
      return { file: record.file, record, image: this.#task.trainingDecode(record, seed, epoch, position + i) };
    });
  }

  validationSamples(images: readonly number[]): ClassificationSample[] {
    return images.map((image) => {
      const record = this.#validation[image];
      return { file: record.file, record, image: this.#task.validationDecode(record) };
    });
  }

  losses(input: Tensor, samples: readonly ClassificationSample[], inPrecision: InPrecision): Losses {
    const logits = inPrecision(() => this.model.forward(input));
    return { loss: this.#task.loss(logits, this.#task.targets(recordsOf(samples), input.device)), parts: {} };
  }

  lossWeight(samples: readonly ClassificationSample[]): number {
    return this.#task.lossWeight(recordsOf(samples));
  }

  answers(input: Tensor): Tensor {
    return tidy(() => noGrad(() => this.model.forward(input).cpu()));
  }

  judge(answers: readonly Tensor[]): Evaluation {
    try {
      return tidy(() => this.#task.evaluate(cat([...answers]), this.#validation));
    } finally {
      for (const logits of answers) logits.dispose();
    }
  }
}

const recordsOf = (samples: readonly ClassificationSample[]): ImageRecord[] => samples.map(({ record }) => record);
