import { native } from './engine.ts';
import { Tensor } from './tensor.ts';

/** A stream of random numbers on the CPU (mt19937, as PyTorch's). The same seed gives the same numbers as in PyTorch. */
export class Generator {
  /** @internal its number in the addon; −1 is libtorch's default generator */
  readonly index: number;

  constructor(seed: number) {
    checkSeed(seed);
    this.index = native.createGenerator(seed);
  }

  /** Starts the stream anew. */
  manualSeed(seed: number): this {
    checkSeed(seed);
    native.seedGenerator(this.index, seed);
    return this;
  }

  /** The whole state, for a checkpoint. */
  getState(): Uint8Array {
    return generatorState(this.index);
  }

  setState(state: Uint8Array): void {
    setGeneratorState(this.index, state);
  }
}

function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`a seed is a whole number from 0 to 2^53 − 1, got ${seed}`);
}

function generatorState(index: number): Uint8Array {
  using state = new Tensor(native.generatorState(index));
  return state.toBytes();
}

function setGeneratorState(index: number, bytes: Uint8Array): void {
  using state = Tensor.fromBytes(bytes, 'uint8', [bytes.length]);
  native.setGeneratorState(index, state.handle);
}

const DEFAULT = -1;

/** Seeds libtorch's default generators, on all devices. */
export function manualSeed(seed: number): void {
  checkSeed(seed);
  native.seedGenerator(DEFAULT, seed);
}

/** State of libtorch's default CPU generator, for a checkpoint. */
export const getRandomState = (): Uint8Array => generatorState(DEFAULT);

export const setRandomState = (state: Uint8Array): void => setGeneratorState(DEFAULT, state);
