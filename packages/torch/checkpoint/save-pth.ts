import { Tensor } from '../tensor.ts';
import { writeAtomically } from './atomic-file.ts';
import { byteCount, CheckpointError } from './checkpoint-error.ts';
import { emptyOrderedDict, PickleCall, PickleGlobal, PicklePersistent, PickleTuple, pickle } from './pickle-writer.ts';
import { storageTypeName } from './pth-globals.ts';
import { ELEMENT_BYTES, elementCount } from './raw-tensor.ts';
import { zipWriter } from './zip-writer.ts';

/** What `savePth` takes. A Map becomes an OrderedDict, a plain object a dict, an array a list. */
export type PthValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Tensor
  | readonly PthValue[]
  | ReadonlyMap<string, PthValue>
  | { readonly [key: string]: PthValue };

const REBUILD_TENSOR = new PickleGlobal('torch._utils', '_rebuild_tensor_v2');

/** The version of the archive's layout that every PyTorch since 1.6 reads. */
const ARCHIVE_VERSION = '3\n';

/**
 * Writes what `torch.load` reads, also with `weights_only=True`: tensors and plain data, in the zip form of `torch.save` (PyTorch 1.6
 * and newer; `weights_only` of 1.13 takes no fractions outside of tensors, later versions do). The bytes of one tensor at a time are held; the file appears whole or not at all, and the same values give the same
 * bytes. Tensors are written contiguous, as tensors of the CPU without gradient; one that occurs twice is stored once.
 *
 * @example
 * await savePth('model.pt', { state_dict: model.stateDict(), labels: ['ant', 'bee'] });
 * // Python: torch.load('model.pt', weights_only=True)['state_dict']
 *
 * @throws TypeError naming the place of a value that has no form in Python
 * @throws CheckpointError `unwritable` (disk full, no such folder, not permitted), with nothing left behind.
 */
export async function savePth(path: string, value: PthValue): Promise<void> {
  const storages = new Map<Tensor, string>();
  const structure = pickle(value, (item) => {
    if (!(item instanceof Tensor)) return item;
    const key = storages.get(item) ?? String(storages.size);
    storages.set(item, key);
    return rebuildTensor(item, key);
  });
  await writeAtomically(path, async (write) => {
    const zip = zipWriter(write);
    await zip.add('archive/data.pkl', structure);
    await zip.add('archive/byteorder', Buffer.from('little'));
    for (const [tensor, key] of storages) {
      const bytes = tensor.toBytes();
      const expected = count(tensor) * ELEMENT_BYTES[tensor.dtype];
      if (bytes.length !== expected) {
        const problem = `a tensor gave ${byteCount(bytes.length)} where its shape takes ${byteCount(expected)}`;
        throw new CheckpointError({ code: 'invalid', file: path, problem });
      }
      await zip.add(`archive/data/${key}`, bytes);
    }
    await zip.add('archive/version', Buffer.from(ARCHIVE_VERSION));
    await zip.end();
  });
}

const count = ({ shape }: Tensor): number => elementCount(shape) as number;

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)` */
function rebuildTensor(tensor: Tensor, key: string): PickleCall {
  const { dtype, shape } = tensor;
  const type = new PickleGlobal('torch', storageTypeName(dtype));
  const storage = new PicklePersistent(new PickleTuple(['storage', type, key, 'cpu', count(tensor)]));
  return new PickleCall(REBUILD_TENSOR, [
    storage,
    0,
    new PickleTuple(shape),
    new PickleTuple(contiguousStride(shape)),
    false,
    emptyOrderedDict(),
  ]);
}

/** Elements from one index to the next, per dimension; as libtorch has it, a size of 0 counts as 1. */
function contiguousStride(shape: readonly number[]): number[] {
  let stride = 1;
  return shape
    .toReversed()
    .map((size) => {
      const own = stride;
      stride *= Math.max(1, size);
      return own;
    })
    .toReversed();
}
