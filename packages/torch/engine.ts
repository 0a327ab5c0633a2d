import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { TorchError } from './torch-error.ts';

/** A tensor's place in the addon's table; 0 once it was disposed. */
export type Handle = number;

/** An operator as its registered schema describes it; `aliases[i]` is the argument that return `i` is, or -1. */
export interface Lookup {
  id: number;
  schema: string;
  parameters: string[];
  types: string[];
  returns: string[];
  aliases: number[];
}

/** The addon's functions (native/addon.cc). Tensors cross the border as handles; failures come as TorchErrors. */
interface Native {
  setErrorClass(errorClass: typeof TorchError): void;
  setInScope(on: boolean): void;
  operators(): string[];
  lookup(name: string): Lookup | null;
  call(id: number, ...args: unknown[]): unknown;
  release(t: Handle): void;
  shape(t: Handle): number[];
  stride(t: Handle): number[];
  dtype(t: Handle): string;
  device(t: Handle): string;
  isContiguous(t: Handle, channelsLast: boolean): boolean;
  item(t: Handle): number | boolean | bigint;
  toBytes(t: Handle): ArrayBuffer;
  fromBuffer(view: ArrayBufferView, dtype: string, shape: readonly number[]): Handle;
  setThreads(count: number): void;
  threads(): number;
  setMemoryLimit(bytes: number): void;
  memoryUse(restart: boolean): [now: number, most: number];
  setFlag(name: string, on: boolean): boolean;
  setAutocast(device: string, enabled: boolean, dtype: string): [boolean, string];
  cudaIsAvailable(): boolean;
  version(): string;
  loadLibrary(path: string): void;
  createGenerator(seed: number): number;
  generatorState(generator: number): Handle;
  setGeneratorState(generator: number, state: Handle): void;
  seedGenerator(generator: number, seed: number): void;
  requiresGrad(t: Handle): boolean;
  setRequiresGrad(t: Handle, on: boolean): void;
  isLeaf(t: Handle): boolean;
  retainGrad(t: Handle): void;
  gradient(t: Handle): Handle | null;
  setGradient(t: Handle, gradient: Handle | null): void;
  setData(t: Handle, data: Handle): void;
  backward(
    roots: Handle[],
    gradients: (Handle | null)[] | null,
    retain: boolean,
    create: boolean,
    hasThreads: boolean,
  ): void;
  gradients(
    outputs: Handle[],
    inputs: Handle[],
    gradients: (Handle | null)[] | null,
    retain: boolean,
    create: boolean,
    allowUnused: boolean,
    hasThreads: boolean,
  ): (Handle | null)[];
  registerHook(t: Handle, hook: (gradient: Handle) => Handle | undefined): number;
  removeHook(t: Handle, hook: number): void;
  gradMode(): boolean;
  setGradMode(on: boolean): void;
}

/** What set-up wrote beside the addon: which libtorch it was built against, and where torchvision's operators are. */
interface BuildRecord {
  torchvision?: string;
}

function loadAddon(): Native {
  const folder = new URL('./build/', import.meta.url);
  const addon = new URL('fovea_torch.node', folder);
  if (!existsSync(addon)) throw new Error('The engine is not built yet. Run: npm run setup');
  // OpenMP's threads wait for each other by spinning unless told otherwise before the library is loaded. With anything else on the
  // machine, image decoding for one, that costs far more than the microseconds it saves: training beside it took 5 times as long.
  process.env.OMP_WAIT_POLICY ??= 'passive';
  const loaded: Native = createRequire(import.meta.url)(fileURLToPath(addon));
  loaded.setErrorClass(TorchError);
  return loaded;
}

/**
 * The addon, loaded at the first use of any of its functions: a command that only reads job files does not wait for libtorch. The
 * functions become the object's own then, so that calls pay nothing for it.
 */
export const native: Native = Object.create(
  new Proxy(
    {},
    {
      get(_, name: keyof Native) {
        Object.assign(native, loadAddon());
        Object.setPrototypeOf(native, null);
        return native[name];
      },
    },
  ),
);

let sawTorchvision = false;

/**
 * Registers torchvision's compiled operators, where set-up found them. Called when the first of them is asked for: the library brings
 * video and picture codecs along, which take longer to load than libtorch.
 */
export function loadTorchvision(): void {
  if (sawTorchvision) return;
  sawTorchvision = true;
  const record = new URL('./build/fovea_torch.json', import.meta.url);
  if (!existsSync(record)) return;
  const { torchvision }: BuildRecord = JSON.parse(readFileSync(record, 'utf8'));
  if (torchvision && existsSync(torchvision)) native.loadLibrary(torchvision);
}

/** Version of the libtorch underneath, e.g. `1.13.1`. */
export const torchVersion = (): string => native.version();

/** Threads that one operator may use on the CPU. Debian's libtorch starts with half of the cores. */
export const getNumThreads = (): number => native.threads();

/** @param count at least 1 */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`threads must be a whole number of at least 1, got ${count}`);
  native.setThreads(count);
}

/**
 * Bounds what the tensors of the CPU may take in all. An operator that would need more throws a TorchError with `outOfMemory`, as it does
 * on a GPU; without a bound Linux promises any amount, and ends the process when it is used. There is none at the start.
 *
 * @param bytes at least 0, or Infinity for no bound
 */
export function setMemoryLimit(bytes: number): void {
  if (!(bytes >= 0)) throw new RangeError(`a limit of memory must be at least 0 bytes, got ${bytes}`);
  native.setMemoryLimit(bytes);
}

/** Bytes of the tensors of the CPU: now, and the most at any time since the last call with `restart`. */
export function memoryUse({ restart = false } = {}): { now: number; most: number } {
  const [now, most] = native.memoryUse(restart);
  return { now, most };
}

let cuda: boolean | undefined;

/** Whether this libtorch has CUDA and sees a device. */
export function cudaIsAvailable(): boolean {
  cuda ??= native.cudaIsAvailable();
  return cuda;
}

/**
 * Switches of libtorch's context; returns the previous value. `tf32`: reduced-precision matrix products on CUDA.
 * `deterministic`: only deterministic kernels (a warning where there is none). `cudnnBenchmark`: time kernels per shape.
 * `onednn`: Intel's kernels on the CPU.
 */
export const setFlag = (name: 'tf32' | 'deterministic' | 'cudnnBenchmark' | 'onednn', on: boolean): boolean =>
  native.setFlag(name, on);
