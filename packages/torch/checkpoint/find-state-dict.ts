import { CheckpointError, quoted } from './checkpoint-error.ts';
import type { PthArchive } from './pth-archive.ts';
import { isTensor, type TensorRef } from './pth-globals.ts';
import { moduleWeights, PickledModule } from './pth-modules.ts';

/** Keys under which training programs keep their weights; averaged weights first, as they are the ones meant for use. */
const WRAPPERS = ['state_dict_ema', 'model_ema', 'ema', 'state_dict', 'model_state_dict', 'model'];

/** What wrapping a model in DataParallel / DistributedDataParallel or torch.compile puts in front of every name. */
const PREFIXES = ['module.', '_orig_mod.'];

/**
 * The weights in a checkpoint: the dict of tensors itself, a module that was pickled whole, or one of these that a training
 * program wrapped.
 * Values other than tensors beside the weights are left out.
 */
export function findStateDict({ root, file }: PthArchive): Map<string, TensorRef> {
  const weights = weightsOf(file.path, root, 0);
  if (weights) return weights;
  const found = root instanceof Map ? `a dict with the keys ${keysOf(root)}` : 'no dict';
  throw new CheckpointError({
    code: 'unsupported',
    file: file.path,
    problem: `holds no weights that can be recognised: expected a dict of tensors, or one under ${WRAPPERS.join(', ')}; found ${found}`,
  });
}

/** What a wrapper holds comes before the tensors beside it, which are a training program's own: means, counters. */
function weightsOf(file: string, candidate: unknown, level: number): Map<string, TensorRef> | null {
  if (candidate instanceof PickledModule) {
    const weights = moduleWeights(file, candidate);
    return weights.size > 0 ? weights : null;
  }
  if (!(candidate instanceof Map) || level > 2) return null;
  for (const key of WRAPPERS) {
    const wrapped = weightsOf(file, candidate.get(key), level + 1);
    if (wrapped) return wrapped;
  }
  const own = tensorsOf(candidate);
  return own.size > 0 ? own : null;
}

/** Takes off the prefixes that every name has. */
export function stripPrefixes<T>(tensors: Map<string, T>): Map<string, T> {
  const names = [...tensors.keys()];
  let length = 0;
  const shared = () => PREFIXES.find((prefix) => names.every((name) => name.startsWith(prefix, length)));
  for (let prefix = shared(); prefix !== undefined && names.length > 0; prefix = shared()) length += prefix.length;
  return length === 0 ? tensors : new Map([...tensors].map(([name, tensor]) => [name.slice(length), tensor]));
}

function tensorsOf(dict: Map<unknown, unknown>): Map<string, TensorRef> {
  const tensors = new Map<string, TensorRef>();
  for (const [name, value] of dict) if (typeof name === 'string' && isTensor(value)) tensors.set(name, value);
  return tensors;
}

function keysOf(dict: Map<unknown, unknown>): string {
  const keys = [...dict.keys()].filter((key) => typeof key === 'string');
  return `${keys.slice(0, 8).map(quoted).join(', ')}${keys.length > 8 ? ', …' : ''}`;
}
