import { byteCount, CheckpointError, type CheckpointErrorCode, quoted } from './checkpoint-error.ts';
import { isTuple, PickleClass, unpickle } from './pickle.ts';
import { type StorageRef, StorageType } from './pth-globals.ts';
import { pthHost } from './pth-host.ts';
import type { RandomAccessFile } from './random-access-file.ts';
import { ELEMENT_BYTES, isCount } from './raw-tensor.ts';
import { openZip, type ZipArchive } from './zip.ts';

/** What `torch.save` saved, with a TensorRef or StorageRef where a tensor or storage was. No tensor data is read yet. */
export interface PthArchive {
  readonly file: RandomAccessFile;
  readonly root: unknown;
  /** Where the elements of a storage begin in the file; checked to be there. */
  locate(storage: StorageRef): Promise<number>;
}

/** Real pickles (the structure without the tensors) have some hundred kilobytes. */
const MAX_PICKLE_BYTES = 256 * 1024 * 1024;
/** First guess for the size of the pickles of a file from before PyTorch 1.6, which do not say where they end. */
const LEGACY_FIRST_BYTES = 1 << 20;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/** @throws CheckpointError for every file that is not a whole `torch.save` file of tensors and plain data. */
export async function openPthArchive(file: RandomAccessFile): Promise<PthArchive> {
  const start = Buffer.from(await file.read(0, Math.min(file.size, 512)));
  if (start.length >= 4 && start.readUInt32LE() === 0x04034b50) return openZipArchive(file);
  if (start.length >= 2 && start[0] === 0x80 && start[1] >= 2 && start[1] <= 5) return openLegacyArchive(file);
  throw unknownKind(file, start);
}

/** PyTorch 1.6 and newer: a zip archive of `<name>/data.pkl` and one entry `<name>/data/<key>` per storage. */
async function openZipArchive(file: RandomAccessFile): Promise<PthArchive> {
  const zip = await openZip(file);
  const pickleName = [...zip.entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) {
    throw failure(file, 'invalid', 'is a zip archive, but not of torch.save: it has no data.pkl');
  }
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (zip.entries.has(`${folder}constants.pkl`)) {
    throw failure(
      file,
      'unsupported',
      'is a TorchScript program (torch.jit.save), not a checkpoint',
      "Save its weights: torch.save(torch.jit.load('FILE').state_dict(), 'weights.pth')",
    );
  }
  await checkByteOrder(file, zip, `${folder}byteorder`);
  const pickle = await readEntry(file, zip, pickleName, MAX_PICKLE_BYTES);
  const storages = new Map<string, StorageRef>();
  const host = pthHost(file.path, pickle.length, (id) => shared(file, storages, parseStorageId(file, id)));
  const { value: root } = unpickle(pickle, 0, host);
  host.check();
  return {
    file,
    root,
    async locate(storage) {
      const entry = zip.entries.get(`${folder}data/${storage.key}`);
      const expected = storage.count * ELEMENT_BYTES[storage.dtype];
      if (entry === undefined) throw failure(file, 'invalid', `storage ${quoted(storage.key)} is not in the archive`);
      if (entry.size < expected) {
        const problem = `storage ${quoted(storage.key)} is too short: expected ${byteCount(expected)}, found ${byteCount(entry.size)}`;
        throw failure(file, 'invalid', problem);
      }
      return zip.locate(entry);
    },
  };
}

async function checkByteOrder(file: RandomAccessFile, zip: ZipArchive, name: string): Promise<void> {
  if (!zip.entries.has(name)) return;
  const order = Buffer.from(await readEntry(file, zip, name, 16)).toString('latin1');
  if (order !== 'little') throw bigEndian(file, order);
}

async function readEntry(file: RandomAccessFile, zip: ZipArchive, name: string, most: number): Promise<Uint8Array> {
  const entry = zip.entries.get(name);
  if (entry === undefined) throw failure(file, 'invalid', `entry ${quoted(name)} is missing`);
  if (entry.size > most) {
    throw failure(
      file,
      'unsupported',
      `entry ${quoted(name)} has ${byteCount(entry.size)}; at most ${byteCount(most)} are read`,
    );
  }
  return file.read(await zip.locate(entry), entry.size);
}

/**
 * Before PyTorch 1.6: five pickles (magic number, version, system, the object, the storage keys), then for each key
 * an 8-byte element count and the elements.
 */
async function openLegacyArchive(file: RandomAccessFile): Promise<PthArchive> {
  const { root, keys, end, storages } = await readLegacyPickles(file);
  const positions = await placeLegacyStorages(file, keys, end, storages);
  return {
    file,
    root,
    async locate(storage) {
      const position = positions.get(storage.key);
      if (position === undefined) throw failure(file, 'invalid', `storage ${quoted(storage.key)} is not in the file`);
      return position + storage.start * ELEMENT_BYTES[storage.dtype];
    },
  };
}

interface LegacyPickles {
  root: unknown;
  keys: unknown;
  end: number;
  storages: ReadonlyMap<string, StorageRef>;
}

async function readLegacyPickles(file: RandomAccessFile): Promise<LegacyPickles> {
  for (let length = LEGACY_FIRST_BYTES; ; length *= 2) {
    const bytes = await file.read(0, Math.min(length, file.size));
    try {
      return parseLegacyPickles(file, bytes);
    } catch (error) {
      const maybeLonger = error instanceof CheckpointError && error.code === 'truncated' && length < file.size;
      if (!maybeLonger || length >= MAX_PICKLE_BYTES) throw error;
    }
  }
}

function parseLegacyPickles(file: RandomAccessFile, bytes: Uint8Array): LegacyPickles {
  const storages = new Map<string, StorageRef>();
  const host = pthHost(file.path, bytes.length, (id) => moduleClassOf(id) ?? parseLegacyStorageId(file, id, storages));
  const magic = unpickle(bytes, 0, host);
  if (magic.value !== LEGACY_MAGIC) {
    throw failure(
      file,
      'unsupported',
      'is a plain pickle, not a torch.save file',
      "If you trust it, convert it: python -c \"import pickle, torch; torch.save(pickle.load(open('FILE', 'rb')), 'weights.pth')\"",
    );
  }
  const version = unpickle(bytes, magic.end, host);
  if (version.value !== LEGACY_PROTOCOL)
    throw failure(file, 'unsupported', 'has another format version than 1001, the only one');
  const system = unpickle(bytes, version.end, host);
  if (system.value instanceof Map && system.value.get('little_endian') === false) throw bigEndian(file, 'big');
  const object = unpickle(bytes, system.end, host);
  host.check();
  const keys = unpickle(bytes, object.end, host);
  return { root: object.value, keys: keys.value, end: keys.end, storages };
}

async function placeLegacyStorages(
  file: RandomAccessFile,
  keys: unknown,
  start: number,
  storages: ReadonlyMap<string, StorageRef>,
): Promise<Map<string, number>> {
  if (!Array.isArray(keys)) throw failure(file, 'invalid', 'has no list of its storages');
  const positions = new Map<string, number>();
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || positions.has(key))
      throw failure(file, 'invalid', 'lists a storage that is not used, or one twice');
    const count = Number(Buffer.from(await file.read(position, 8)).readBigInt64LE());
    if (count !== storage.count) {
      const problem = `storage ${quoted(key)} should have ${storage.count} elements, but says that it has ${count}`;
      throw failure(file, 'invalid', problem);
    }
    positions.set(key, position + 8);
    position += 8 + count * ELEMENT_BYTES[storage.dtype];
    if (position > file.size) {
      const problem = `is cut short: expected at least ${byteCount(position)}, found ${byteCount(file.size)}`;
      throw failure(file, 'truncated', problem, 'Copy or download it again');
    }
  }
  return positions;
}

/** `('storage', torch.FloatStorage, key, device, element count)`. */
function parseStorageId(file: RandomAccessFile, id: unknown): StorageRef {
  if (!isTuple(id) || id[0] !== 'storage' || !(id[1] instanceof StorageType) || typeof id[2] !== 'string') {
    throw failure(file, 'invalid', 'refers to something outside of its pickle that is not a storage');
  }
  const [, { dtype }, key, , count] = id as [string, StorageType, string, unknown, unknown];
  if (!isCount(count) || !isCount(count * ELEMENT_BYTES[dtype])) {
    throw failure(file, 'invalid', `storage ${quoted(key)} has an impossible size`);
  }
  return { kind: 'storage', key, dtype, start: 0, count };
}

/** `('module', class, path of its source, its source)`, where a module's class is met first. The source is left alone. */
function moduleClassOf(id: unknown): PickleClass | null {
  return isTuple(id) && id[0] === 'module' && id[1] instanceof PickleClass ? id[1] : null;
}

/** As above with a sixth item: None, or `(view key, first element, element count)`. */
function parseLegacyStorageId(file: RandomAccessFile, id: unknown, storages: Map<string, StorageRef>): StorageRef {
  const storage = shared(file, storages, parseStorageId(file, id));
  const view = (id as readonly unknown[])[5] ?? null;
  if (view === null) return storage;
  if (!isTuple(view) || !isCount(view[1]) || !isCount(view[2]) || view[1] + view[2] > storage.count) {
    throw failure(file, 'invalid', `storage ${quoted(storage.key)} has a view outside of it`);
  }
  return { ...storage, start: view[1], count: view[2] };
}

/** One object per key, so that tensors that share memory can be told. */
function shared(file: RandomAccessFile, storages: Map<string, StorageRef>, storage: StorageRef): StorageRef {
  const known = storages.get(storage.key);
  if (known === undefined) {
    storages.set(storage.key, storage);
    return storage;
  }
  if (known.dtype !== storage.dtype || known.count !== storage.count) {
    throw failure(file, 'invalid', `storage ${quoted(storage.key)} is described in two ways`);
  }
  return known;
}

function unknownKind(file: RandomAccessFile, start: Buffer): CheckpointError {
  const text = start.toString('latin1');
  if (start.length === 0) return failure(file, 'truncated', 'is empty', 'Copy or download it again');
  if (text.startsWith('version https://git-lfs')) {
    return failure(
      file,
      'unsupported',
      'is only the Git LFS pointer to the file',
      'Fetch the file itself: git lfs pull',
    );
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) {
    return failure(
      file,
      'unsupported',
      'is a web page, not a checkpoint',
      'Download the file itself, not the page that shows it',
    );
  }
  if (text.slice(257, 262) === 'ustar') {
    return failure(
      file,
      'unsupported',
      'is a tar archive: a checkpoint of PyTorch 0.1, or a packed folder',
      "Unpack it, or save it again with a newer PyTorch: torch.save(torch.load('FILE'), 'weights.pth')",
    );
  }
  return failure(file, 'unsupported', 'is not a torch.save file (.pth, .pt)');
}

function bigEndian(file: RandomAccessFile, order: string): CheckpointError {
  const hint = 'Save it again on a little-endian machine';
  return failure(
    file,
    'unsupported',
    `was written on a machine with the byte order ${quoted(order)}; little is read`,
    hint,
  );
}

function failure(file: RandomAccessFile, code: CheckpointErrorCode, problem: string, hint?: string): CheckpointError {
  return new CheckpointError({ code, file: file.path, problem, ...(hint && { hint }) });
}
