import { type nn, noGrad, type Tensor } from '@fovea/torch';

/** Share of the average that an update keeps once there were many: it then looks back about 10,000 updates. */
const MOST_KEPT = 0.9999;

/**
 * The share of the average that the update with this number, counted from 1, keeps: min(0.9999, (1 + u) / (10 + u)). The average
 * looks back over about a ninth of the updates so far, whether the training is one of a hundred updates or of a hundred thousand.
 * TensorFlow's ramp: https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage, `num_updates`.
 *
 * YOLOv5 ends at the same 0.9999, by 0.9999 · (1 − exp(−u / 2000)). That is made for hundreds of thousands of updates: at 600, which
 * is a whole training on a small set, it looks back over four, and the served weights are as restless as the trained ones.
 */
export const keptShare = (update: number): number => Math.min(MOST_KEPT, (1 + update) / (10 + update));

/** All that is needed to go on later: tensors by the names of the model's state, and updates so far. */
export interface WeightAverageState {
  tensors: Map<string, Tensor>;
  updates: number;
}

/**
 * A moving average of a model's weights and statistics over its updates, which finds better and more evenly than the weights of any one
 * of them (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, https://arxiv.org/abs/1703.01780). It takes as much memory again as
 * the model.
 */
export class WeightAverage {
  readonly #pairs: readonly (readonly [name: string, own: Tensor, average: Tensor])[];
  #updates: number;

  /**
   * Begins with the weights that the model has, on its device and in its memory format: bring it there before.
   *
   * @param from a state to go on from instead; it is copied
   */
  constructor(model: nn.AnyModule, from: WeightAverageState | null = null) {
    this.#pairs = noGrad(() =>
      [...model.stateDict()].map(([name, own]) => {
        const average = own.clone();
        const saved = from?.tensors.get(name);
        return [name, own, saved ? average.copy_(saved) : average] as const;
      }),
    );
    this.#updates = from?.updates ?? 0;
  }

  /** Takes in the model's weights after a step of the optimiser. */
  update(): void {
    const kept = keptShare(++this.#updates);
    noGrad(() => {
      for (const [, own, average] of this.#pairs) {
        if (own.dtype.includes('float')) average.lerp_(own, 1 - kept);
        else average.copy_(own);
      }
    });
  }

  /** Lets the model have the averages as its weights while the work lasts. */
  async inModel<T>(work: () => Promise<T>): Promise<T> {
    this.#exchange();
    try {
      return await work();
    } finally {
      this.#exchange();
    }
  }

  #exchange(): void {
    noGrad(() => {
      for (const [, own, average] of this.#pairs) {
        using held = own.clone();
        own.copy_(average);
        average.copy_(held);
      }
    });
  }

  /** The state as it is now. The tensors are the average's own, not copies. */
  state(): WeightAverageState {
    return { tensors: new Map(this.#pairs.map(([name, , average]) => [name, average])), updates: this.#updates };
  }

  [Symbol.dispose](): void {
    for (const [, , average] of this.#pairs) average.dispose();
  }
}
