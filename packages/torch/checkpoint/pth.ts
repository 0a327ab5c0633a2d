import type { Tensor } from '../tensor.ts';
import { findStateDict, stripPrefixes } from './find-state-dict.ts';
import { openPthArchive, type PthArchive } from './pth-archive.ts';
import { readTree, type TensorReader, tensorReader } from './pth-tensors.ts';
import { openRandomAccess, type RandomAccessFile } from './random-access-file.ts';
import { readSafetensors, tensorOver } from './safetensors.ts';

/**
 * Reads what `torch.save` wrote (`.pth`, `.pt`; the zip form of PyTorch ≥ 1.6 and the older stream): tensors and plain data.
 *
 * Nothing in the file is ever executed: a name that is not a tensor, a container or a number of Python or numpy is refused with its name.
 * dict → Map, list and tuple → array, set → Set, bytes → Uint8Array, int → number or bigint, torch.dtype → 'torch.float32', an array
 * of numpy → Tensor. A module that was pickled whole is no data: `loadStateDict` reads its weights.
 * Tensors come on the CPU, contiguous, without gradient; the same view of the same memory comes as the same Tensor.
 *
 * @throws CheckpointError with `code`, `file`, `tensor`, `problem`, `hint`.
 */
export async function loadPth(path: string): Promise<unknown> {
  return withArchive(path, (archive, reader) => readTree(archive, reader));
}

/**
 * The weights of a checkpoint by name, whatever it is: safetensors, a saved state dict, or a training checkpoint that wraps one
 * under `state_dict_ema`, `model_ema`, `ema`, `state_dict`, `model_state_dict` or `model`. Only the weights are read.
 * Where a module was saved whole (`torch.save(model)`), the weights are taken out of the records of it; its class is never looked up.
 * `module.` (DataParallel) and `_orig_mod.` (torch.compile) are taken off where every name has them.
 *
 * @throws CheckpointError when the file cannot be read, or holds no weights.
 */
export async function loadStateDict(path: string): Promise<Map<string, Tensor>> {
  if (await isSafetensors(path)) return stripPrefixes(await readSafetensors(path));
  return withArchive(path, async (archive, reader) => {
    const tensors = new Map<string, Tensor>();
    for (const [name, ref] of stripPrefixes(findStateDict(archive))) tensors.set(name, await reader.read(ref, name));
    return tensors;
  });
}

/** Told by content, as people rename files: a safetensors header begins with `{` behind its length. */
async function isSafetensors(path: string): Promise<boolean> {
  return withFile(path, async (file) => {
    if (file.size < 9) return false;
    const start = await file.read(0, 9);
    return start[8] === 0x7b && start[6] === 0 && start[7] === 0;
  });
}

async function withArchive<T>(
  path: string,
  use: (archive: PthArchive, reader: TensorReader<Tensor>) => Promise<T>,
): Promise<T> {
  return withFile(path, async (file) => {
    const archive = await openPthArchive(file);
    const made: Tensor[] = [];
    const reader = tensorReader(archive, (raw) => {
      const tensor = tensorOver(raw);
      made.push(tensor);
      return tensor;
    });
    try {
      return await use(archive, reader);
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
  });
}

async function withFile<T>(path: string, use: (file: RandomAccessFile) => Promise<T>): Promise<T> {
  const file = await openRandomAccess(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
