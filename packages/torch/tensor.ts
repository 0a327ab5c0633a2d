import { type DType, type TypedArray, typedArray } from './dtype.ts';
import { cudaIsAvailable, type Handle, native } from './engine.ts';
import { keep, surrender, track, untrack } from './memory.ts';
import * as ops from './ops.generated.ts';

export type { DType, TypedArray } from './dtype.ts';

/** `cpu`, `cuda` or `cuda:1`. */
export type Device = string;
export type MemoryFormat = 'contiguous' | 'channels_last' | 'preserve';
export type Nested = number | boolean | readonly Nested[];

/**
 * An n-dimensional array of libtorch: memory on a device, part of the autograd graph. Methods are PyTorch's in camelCase; those
 * that end in `_` change the tensor itself. Its memory is freed by `tidy`, `using` or `dispose`, and by the garbage collector at last.
 */
export class Tensor {
  /** @internal */
  handle: Handle;

  /** @internal Tensors come from factories (`tensor`, `zeros`, …) and operators. */
  constructor(handle: Handle) {
    this.handle = handle;
    track(this);
  }

  /** A tensor with a copy of raw little-endian elements in row-major order. */
  static fromBytes(bytes: Uint8Array, dtype: DType, shape: readonly number[]): Tensor {
    return new Tensor(native.fromBuffer(bytes.slice(), dtype, shape));
  }

  get isDisposed(): boolean {
    return this.handle === 0;
  }

  get shape(): number[] {
    return native.shape(this.handle);
  }

  get ndim(): number {
    return this.shape.length;
  }

  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  get dtype(): DType {
    return native.dtype(this.handle) as DType;
  }

  get device(): Device {
    return native.device(this.handle);
  }

  /** Steps between neighbours along each dimension, in elements. */
  get strides(): number[] {
    return native.stride(this.handle);
  }

  /** Size along a dimension; negative ones count from the end. */
  size(dim: number): number {
    const { shape } = this;
    const index = dim < 0 ? dim + shape.length : dim;
    if (!(index in shape)) throw new RangeError(`dimension ${dim} of a tensor with ${shape.length} dimensions`);
    return shape[index];
  }

  isContiguous(format: 'contiguous' | 'channels_last' = 'contiguous'): boolean {
    return native.isContiguous(this.handle, format === 'channels_last');
  }

  // ---- gradients

  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }

  set requiresGrad(on: boolean) {
    native.setRequiresGrad(this.handle, on);
  }

  /** Whether the user made it, as opposed to an operator with a gradient. */
  get isLeaf(): boolean {
    return native.isLeaf(this.handle);
  }

  /** The gradient that `backward` accumulated here, or null. Each read is a new tensor over the same memory. */
  get grad(): Tensor | null {
    const handle = native.gradient(this.handle);
    return handle === null ? null : new Tensor(handle);
  }

  set grad(gradient: Tensor | null) {
    native.setGradient(this.handle, gradient?.handle ?? null);
  }

  /** Keeps the gradient of a tensor that is not a leaf. */
  retainGrad(): this {
    native.retainGrad(this.handle);
    return this;
  }

  /**
   * Adds d(this)/d(leaf) to `grad` of every leaf that this was computed from.
   * @param gradient seed of this tensor's shape; may be left out for one element
   */
  backward(gradient?: Tensor, options: { retainGraph?: boolean; createGraph?: boolean } = {}): void {
    const { createGraph = false, retainGraph = createGraph } = options;
    native.backward([this.handle], gradient ? [gradient.handle] : null, retainGraph, createGraph, cudaIsAvailable());
  }

  /**
   * Calls `hook` with the gradient of this tensor whenever it is computed; a tensor returned replaces it. The hook runs with gradients
   * off, unless `createGraph` was given. What it throws is the `cause` of the TorchError that `backward` then throws.
   * @returns a function that takes the hook off
   */
  registerHook(hook: (gradient: Tensor) => Tensor | undefined): () => void {
    const id = native.registerHook(this.handle, (gradient) => hook(new Tensor(gradient))?.handle);
    return () => {
      if (!this.isDisposed) native.removeHook(this.handle, id);
    };
  }

  /** Lets this tensor stand for the memory of another, keeping its place in modules and optimisers. */
  setData(data: Tensor): void {
    native.setData(this.handle, data.handle);
  }

  // ---- values

  /** The value of a tensor with one element. @throws RangeError where an int64 does not fit a number */
  item(): number {
    const value = native.item(this.handle);
    if (typeof value === 'bigint') throw new RangeError(`${value} does not fit a JavaScript number`);
    return Number(value);
  }

  /** The elements in row-major order as raw bytes, copied. */
  toBytes(): Uint8Array {
    return new Uint8Array(native.toBytes(this.handle));
  }

  /** The elements in row-major order, copied. Half types come as Float32Array, booleans as Uint8Array. */
  data(): TypedArray {
    const { dtype } = this;
    if (dtype === 'float16' || dtype === 'bfloat16') {
      using wide = this.to({ dtype: 'float32' });
      return wide.data();
    }
    return typedArray(dtype, native.toBytes(this.handle));
  }

  /**
   * The elements as nested arrays of numbers (booleans as 0 and 1); a tensor without dimensions is one number.
   * @throws RangeError where an int64 does not fit a number; `data` gives bigints
   */
  toArray(): Nested {
    const flat = Array.from(this.data() as ArrayLike<number | bigint>, Number);
    if (this.dtype === 'int64' && !flat.every(Number.isSafeInteger))
      throw new RangeError('an int64 here does not fit a JavaScript number; use data()');
    const { shape } = this;
    let position = 0;
    const build = (dim: number): Nested =>
      dim === shape.length ? flat[position++] : Array.from({ length: shape[dim] }, () => build(dim + 1));
    return build(0);
  }

  toString(): string {
    if (this.isDisposed) return 'Tensor(disposed)';
    const values = this.numel <= 64 ? ` ${JSON.stringify(this.toArray())}` : '';
    return `Tensor(${this.dtype} [${this.shape.join(', ')}] on ${this.device}${values})`;
  }

  // ---- life

  /** Gives the memory back now. The tensor must not be used after it; a second call does nothing. */
  dispose(): void {
    if (this.handle !== 0) untrack(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // ---- arithmetic. A plain number goes along as a scalar: it does not widen the dtype.

  add(other: Tensor | number, alpha?: number): Tensor {
    return typeof other === 'number' ? ops.addScalar(this, other, alpha) : ops.addTensor(this, other, alpha);
  }
  add_(other: Tensor | number, alpha?: number): this {
    typeof other === 'number' ? ops.addScalar_(this, other, alpha) : ops.addTensor_(this, other, alpha);
    return this;
  }
  sub(other: Tensor | number, alpha?: number): Tensor {
    return typeof other === 'number' ? ops.subScalar(this, other, alpha) : ops.subTensor(this, other, alpha);
  }
  sub_(other: Tensor | number, alpha?: number): this {
    typeof other === 'number' ? ops.subScalar_(this, other, alpha) : ops.subTensor_(this, other, alpha);
    return this;
  }
  mul(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.mulScalar(this, other) : ops.mulTensor(this, other);
  }
  mul_(other: Tensor | number): this {
    typeof other === 'number' ? ops.mulScalar_(this, other) : ops.mulTensor_(this, other);
    return this;
  }
  div(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.divScalar(this, other) : ops.divTensor(this, other);
  }
  div_(other: Tensor | number): this {
    typeof other === 'number' ? ops.divScalar_(this, other) : ops.divTensor_(this, other);
    return this;
  }
  pow(exponent: Tensor | number): Tensor {
    return typeof exponent === 'number' ? ops.powTensorScalar(this, exponent) : ops.powTensorTensor(this, exponent);
  }
  neg(): Tensor {
    return ops.neg(this);
  }
  abs(): Tensor {
    return ops.abs(this);
  }
  exp(): Tensor {
    return ops.exp(this);
  }
  log(): Tensor {
    return ops.log(this);
  }
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  rsqrt(): Tensor {
    return ops.rsqrt(this);
  }
  square(): Tensor {
    return ops.square(this);
  }
  floor(): Tensor {
    return ops.floor(this);
  }
  round(): Tensor {
    return ops.round(this);
  }
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  tanh(): Tensor {
    return ops.tanh(this);
  }
  relu(): Tensor {
    return ops.relu(this);
  }
  relu_(): this {
    ops.relu_(this);
    return this;
  }
  gelu(): Tensor {
    return ops.gelu(this);
  }
  silu(): Tensor {
    return ops.silu(this);
  }
  softmax(dim: number): Tensor {
    return ops.softmaxInt(this, dim);
  }
  logSoftmax(dim: number): Tensor {
    return ops.logSoftmaxInt(this, dim);
  }
  clamp(min: number | null, max: number | null = null): Tensor {
    return ops.clamp(this, min, max);
  }
  clamp_(min: number | null, max: number | null = null): this {
    ops.clamp_(this, min, max);
    return this;
  }
  zero_(): this {
    ops.zero_(this);
    return this;
  }
  fill_(value: number): this {
    ops.fillScalar_(this, value);
    return this;
  }
  copy_(source: Tensor): this {
    ops.copy_(this, source);
    return this;
  }
  /** this + value · a · b, in place. */
  addcmul_(a: Tensor, b: Tensor, value = 1): this {
    ops.addcmul_(this, a, b, value);
    return this;
  }
  /** this + value · a / b, in place. */
  addcdiv_(a: Tensor, b: Tensor, value = 1): this {
    ops.addcdiv_(this, a, b, value);
    return this;
  }
  /** this + weight · (end − this), in place. */
  lerp_(end: Tensor, weight: number): this {
    ops.lerpScalar_(this, end, weight);
    return this;
  }

  // ---- comparison: boolean tensors

  eq(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.eqScalar(this, other) : ops.eqTensor(this, other);
  }
  ne(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.neScalar(this, other) : ops.neTensor(this, other);
  }
  lt(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.ltScalar(this, other) : ops.ltTensor(this, other);
  }
  le(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.leScalar(this, other) : ops.leTensor(this, other);
  }
  gt(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.gtScalar(this, other) : ops.gtTensor(this, other);
  }
  ge(other: Tensor | number): Tensor {
    return typeof other === 'number' ? ops.geScalar(this, other) : ops.geTensor(this, other);
  }
  logicalNot(): Tensor {
    return ops.logicalNot(this);
  }
  isFinite(): Tensor {
    return ops.isfinite(this);
  }
  /** Same shape and same elements. */
  equal(other: Tensor): boolean {
    return ops.equal(this, other);
  }

  // ---- reductions. Without dimensions, over all elements.

  sum(dims?: number | readonly number[], keepdim = false): Tensor {
    return dims === undefined ? ops.sum(this) : ops.sumDimIntList(this, dims, keepdim);
  }
  mean(dims?: number | readonly number[], keepdim = false): Tensor {
    return dims === undefined ? ops.mean(this) : ops.meanDim(this, dims, keepdim);
  }
  std(dims: number | readonly number[] | null = null, unbiased = true, keepdim = false): Tensor {
    return ops.stdDim(this, dims, unbiased, keepdim);
  }
  max(): Tensor {
    return ops.max(this);
  }
  min(): Tensor {
    return ops.min(this);
  }
  /** Greatest value along a dimension, and where it is. */
  maxDim(dim: number, keepdim = false): [values: Tensor, indices: Tensor] {
    return ops.maxDim(this, dim, keepdim);
  }
  minDim(dim: number, keepdim = false): [values: Tensor, indices: Tensor] {
    return ops.minDim(this, dim, keepdim);
  }
  argmax(dim: number | null = null, keepdim = false): Tensor {
    return ops.argmax(this, dim, keepdim);
  }
  argmin(dim: number | null = null, keepdim = false): Tensor {
    return ops.argmin(this, dim, keepdim);
  }
  topk(k: number, dim = -1): [values: Tensor, indices: Tensor] {
    return ops.topk(this, k, dim);
  }
  sort(dim = -1, descending = false): [values: Tensor, indices: Tensor] {
    return ops.sort(this, dim, descending);
  }
  /** Euclidean norm of all elements. */
  norm(): Tensor {
    return ops.linalgVectorNorm(this);
  }
  matmul(other: Tensor): Tensor {
    return ops.matmul(this, other);
  }

  // ---- shape: views of the same memory where that is possible

  reshape(shape: readonly number[]): Tensor {
    return ops.reshape(this, shape);
  }
  view(shape: readonly number[]): Tensor {
    return ops.view(this, shape);
  }
  flatten(start = 0, end = -1): Tensor {
    return ops.flattenUsingInts(this, start, end);
  }
  permute(dims: readonly number[]): Tensor {
    return ops.permute(this, dims);
  }
  transpose(a: number, b: number): Tensor {
    return ops.transposeInt(this, a, b);
  }
  t(): Tensor {
    return ops.t(this);
  }
  squeeze(dim?: number): Tensor {
    return dim === undefined ? ops.squeeze(this) : ops.squeezeDim(this, dim);
  }
  unsqueeze(dim: number): Tensor {
    return ops.unsqueeze(this, dim);
  }
  expand(shape: readonly number[]): Tensor {
    return ops.expand(this, shape);
  }
  select(dim: number, index: number): Tensor {
    return ops.selectInt(this, dim, index);
  }
  narrow(dim: number, start: number, length: number): Tensor {
    return ops.narrow(this, dim, start, length);
  }
  slice(dim: number, start: number | null = null, end: number | null = null, step = 1): Tensor {
    return ops.sliceTensor(this, dim, start, end, step);
  }
  /** Advanced indexing: one index tensor per leading dimension, null for all of it. */
  index(...indices: (Tensor | null)[]): Tensor {
    return ops.indexTensor(this, indices);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    return ops.indexSelect(this, dim, index);
  }
  gather(dim: number, index: Tensor): Tensor {
    return ops.gather(this, dim, index);
  }
  chunk(chunks: number, dim = 0): Tensor[] {
    return ops.chunk(this, chunks, dim);
  }
  split(size: number, dim = 0): Tensor[] {
    return ops.splitTensor(this, size, dim);
  }

  // ---- copies and conversions

  contiguous(format: MemoryFormat = 'contiguous'): Tensor {
    return ops.contiguous(this, format);
  }
  clone(format: MemoryFormat | null = null): Tensor {
    return ops.clone(this, format);
  }
  detach(): Tensor {
    return ops.detach(this);
  }
  /** Another dtype, device or memory format; where all of them fit, a second tensor over the same memory. */
  to(target: { dtype?: DType; device?: Device; memoryFormat?: MemoryFormat; nonBlocking?: boolean }): Tensor {
    const { dtype = null, device = null, memoryFormat = null, nonBlocking = false } = target;
    return ops.toDtypeLayout(this, dtype, null, device, null, nonBlocking, false, memoryFormat);
  }
  float(): Tensor {
    return this.to({ dtype: 'float32' });
  }
  long(): Tensor {
    return this.to({ dtype: 'int64' });
  }
  cpu(): Tensor {
    return this.to({ device: 'cpu' });
  }
}

/** A tensor that a module learns: it takes over the memory of `data`, which is disposed. It outlives every `tidy`. */
export class Parameter extends Tensor {
  constructor(data: Tensor, requiresGrad = true) {
    super(surrender(data));
    keep(this);
    if (requiresGrad) this.requiresGrad = true;
  }
}

/** A tensor that belongs to a module's state but is not learned, e.g. running means. It outlives every `tidy`. */
export class Buffer extends Tensor {
  /** Whether it is part of the state dict. */
  readonly persistent: boolean;

  constructor(data: Tensor, persistent = true) {
    super(surrender(data));
    keep(this);
    this.persistent = persistent;
  }
}
