import { loadStateDict, type nn, type Tensor, tidy } from '@fovea/torch';
import { presentName } from './legacy-names.ts';
import { recognise } from './recognise.ts';
import { WeightsError } from './weights-error.ts';

/** What came of giving a network the weights of a checkpoint. */
export interface PretrainedReport {
  /** Names of the entries that the network took. */
  readonly loaded: string[];
  /** Whether the head kept its random weights, as the checkpoint's tells other classes apart, or has none. */
  readonly headReinitialised: boolean;
  /** Entries of the network that the checkpoint lacks: of the head, and counters of batches. */
  readonly missing: string[];
  /** Entries of the checkpoint that the network lacks: counters of batches. */
  readonly unexpected: string[];
  /** Entries of the head whose shapes differ. */
  readonly mismatched: string[];
}

export interface ApplyOptions {
  /** Prefixes of the parameters that depend on the classes: `fc.`. They are left as they are where the number of classes differs. */
  head?: string | readonly string[];
}

type State = ReadonlyMap<string, Tensor>;
type Loadable = Pick<nn.Module, 'stateDict' | 'loadStateDict'> & Partial<AdaptsWeights>;

/** A network that takes weights in more shapes than its own. */
export interface AdaptsWeights {
  /** The weights of a checkpoint, those that need it changed to what this network takes; the rest as they are. */
  adaptWeights(state: State): State;
}

/** So many differences are listed; the rest is counted. */
const MOST_LISTED = 6;

/**
 * Reads a checkpoint (safetensors or PyTorch's) into a network.
 *
 * @throws CheckpointError when the file cannot be read, WeightsError `misfit` when it belongs to another network.
 */
export async function applyPretrained(
  module: Loadable,
  path: string,
  options: ApplyOptions = {},
): Promise<PretrainedReport> {
  const state = await loadStateDict(path);
  try {
    return applyStateDict(module, state, { ...options, file: path });
  } finally {
    for (const tensor of state.values()) tensor.dispose();
  }
}

/**
 * Copies weights into a network by name. Everything must fit except the head, which may be for other classes, and counters of batches
 * (`num_batches_tracked`), which old checkpoints lack. Names of older torchvision versions are understood, and position embeddings
 * for images of another size are resampled.
 *
 * @throws WeightsError `misfit` with the first differences and the network that the weights seem to be of; nothing is copied then.
 */
export function applyStateDict(
  module: Loadable,
  state: State,
  options: ApplyOptions & { file?: string } = {},
): PretrainedReport {
  return tidy(() => {
    const own = module.stateDict();
    const given = presentNames(state, own);
    return copyInto(module, own, module.adaptWeights?.(given) ?? given, options);
  });
}

function copyInto(
  module: Loadable,
  own: State,
  given: State,
  { head = [], file = 'the checkpoint' }: ApplyOptions & { file?: string },
): PretrainedReport {
  const ofHead = (name: string) => [head].flat().some((prefix) => name.startsWith(prefix));

  const missing = [...own.keys()].filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter((name) => !own.has(name));
  const mismatched = [...own.keys()].filter((name) => {
    const value = given.get(name);
    return value !== undefined && !equal(value.shape, shapeOf(own, name));
  });
  const otherClasses = (name: string) =>
    ofHead(name) && equal(shapeOf(given, name).slice(1), shapeOf(own, name).slice(1));

  const problems = [
    ...mismatched
      .filter((name) => !otherClasses(name))
      .map(
        (name) => `${name} is ${text(shapeOf(given, name))} in the file, ${text(shapeOf(own, name))} in the network`,
      ),
    ...missing
      .filter((name) => !isCounter(name) && !ofHead(name))
      .map((name) => `${name} ${text(shapeOf(own, name))} is not in the file`),
    ...unexpected
      .filter((name) => !isCounter(name))
      .map((name) => `${name} ${text(shapeOf(given, name))} is not in the network`),
  ];
  if (problems.length > 0) throw misfit(file, problems, recognise(given), recognise(own));

  const headReinitialised = [...mismatched, ...missing].some(ofHead);
  const taken = new Map([...given].filter(([name]) => own.has(name) && !(headReinitialised && ofHead(name))));
  module.loadStateDict(taken, { strict: false });
  return { loaded: [...taken.keys()], headReinitialised, missing, unexpected, mismatched };
}

/** Older names become present ones where that is what the network calls them. */
function presentNames(state: State, own: State): Map<string, Tensor> {
  const named = new Map<string, Tensor>();
  for (const [name, tensor] of state) {
    const present = own.has(name) ? null : presentName(name);
    named.set(present !== null && own.has(present) && !state.has(present) ? present : name, tensor);
  }
  return named;
}

function misfit(file: string, problems: string[], found: string | null, wanted: string | null): WeightsError {
  const count = problems.length === 1 ? 'one entry differs' : `${problems.length} entries differ`;
  const advice = problems.slice(0, MOST_LISTED).map((line) => `  ${line}`);
  if (problems.length > MOST_LISTED) advice.push(`  … and ${problems.length - MOST_LISTED} more`);
  if (found !== null && found !== wanted) advice.push(`The file looks like weights of ${found}.`);
  const network = wanted === null ? 'the network' : wanted;
  return new WeightsError({ code: 'misfit', file, problem: `does not fit ${network}: ${count}`, advice });
}

function shapeOf(state: State, name: string): number[] {
  return state.get(name)?.shape ?? [];
}

function isCounter(name: string): boolean {
  return name.endsWith('num_batches_tracked');
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

function text(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
