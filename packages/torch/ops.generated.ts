// Written by generate-ops.ts from the schemas that libtorch registers. Do not edit.
import { bind, type GeneratorHandle } from './call.ts';
import type { DType, MemoryFormat, Tensor } from './tensor.ts';

/** `aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor` */
export const _adaptiveAvgPool2d: (self: Tensor, outputSize: number | readonly number[]) => Tensor = bind('aten::_adaptive_avg_pool2d');

/** `aten::_foreach_add.List(Tensor[] self, Tensor[] other, *, Scalar alpha=1) -> Tensor[]` */
export const _foreachAddList: (self: readonly Tensor[], other: readonly Tensor[], alpha?: number | boolean) => Tensor[] = bind('aten::_foreach_add.List');

/** `aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()` */
export const _foreachAddList_: (self: readonly Tensor[], other: readonly Tensor[], alpha?: number | boolean) => void = bind('aten::_foreach_add_.List');

/** `aten::_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export const _foreachAddScalar_: (self: readonly Tensor[], scalar: number | boolean) => void = bind('aten::_foreach_add_.Scalar');

/** `aten::_foreach_add_.ScalarList(Tensor(a!)[] self, Scalar[] scalars) -> ()` */
export const _foreachAddScalarList_: (self: readonly Tensor[], scalars: readonly (number | boolean)[]) => void = bind('aten::_foreach_add_.ScalarList');

/** `aten::_foreach_addcdiv_.Scalar(Tensor(a!)[] self, Tensor[] tensor1, Tensor[] tensor2, Scalar value=1) -> ()` */
export const _foreachAddcdivScalar_: (self: readonly Tensor[], tensor1: readonly Tensor[], tensor2: readonly Tensor[], value?: number | boolean) => void = bind('aten::_foreach_addcdiv_.Scalar');

/** `aten::_foreach_addcdiv_.ScalarList(Tensor(a!)[] self, Tensor[] tensor1, Tensor[] tensor2, Scalar[] scalars) -> ()` */
export const _foreachAddcdivScalarList_: (self: readonly Tensor[], tensor1: readonly Tensor[], tensor2: readonly Tensor[], scalars: readonly (number | boolean)[]) => void = bind('aten::_foreach_addcdiv_.ScalarList');

/** `aten::_foreach_addcmul_.Scalar(Tensor(a!)[] self, Tensor[] tensor1, Tensor[] tensor2, Scalar value=1) -> ()` */
export const _foreachAddcmulScalar_: (self: readonly Tensor[], tensor1: readonly Tensor[], tensor2: readonly Tensor[], value?: number | boolean) => void = bind('aten::_foreach_addcmul_.Scalar');

/** `aten::_foreach_div.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]` */
export const _foreachDivScalarList: (self: readonly Tensor[], scalars: readonly (number | boolean)[]) => Tensor[] = bind('aten::_foreach_div.ScalarList');

/** `aten::_foreach_div_.List(Tensor(a!)[] self, Tensor[] other) -> ()` */
export const _foreachDivList_: (self: readonly Tensor[], other: readonly Tensor[]) => void = bind('aten::_foreach_div_.List');

/** `aten::_foreach_div_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export const _foreachDivScalar_: (self: readonly Tensor[], scalar: number | boolean) => void = bind('aten::_foreach_div_.Scalar');

/** `aten::_foreach_div_.ScalarList(Tensor(a!)[] self, Scalar[] scalars) -> ()` */
export const _foreachDivScalarList_: (self: readonly Tensor[], scalars: readonly (number | boolean)[]) => void = bind('aten::_foreach_div_.ScalarList');

/** `aten::_foreach_maximum_.List(Tensor(a!)[] self, Tensor[] other) -> ()` */
export const _foreachMaximumList_: (self: readonly Tensor[], other: readonly Tensor[]) => void = bind('aten::_foreach_maximum_.List');

/** `aten::_foreach_mul.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]` */
export const _foreachMulScalar: (self: readonly Tensor[], scalar: number | boolean) => Tensor[] = bind('aten::_foreach_mul.Scalar');

/** `aten::_foreach_mul_.List(Tensor(a!)[] self, Tensor[] other) -> ()` */
export const _foreachMulList_: (self: readonly Tensor[], other: readonly Tensor[]) => void = bind('aten::_foreach_mul_.List');

/** `aten::_foreach_mul_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export const _foreachMulScalar_: (self: readonly Tensor[], scalar: number | boolean) => void = bind('aten::_foreach_mul_.Scalar');

/** `aten::_foreach_neg(Tensor[] self) -> Tensor[]` */
export const _foreachNeg: (self: readonly Tensor[]) => Tensor[] = bind('aten::_foreach_neg');

/** `aten::_foreach_sqrt(Tensor[] self) -> Tensor[]` */
export const _foreachSqrt: (self: readonly Tensor[]) => Tensor[] = bind('aten::_foreach_sqrt');

/** `aten::_foreach_sub_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()` */
export const _foreachSubList_: (self: readonly Tensor[], other: readonly Tensor[], alpha?: number | boolean) => void = bind('aten::_foreach_sub_.List');

/** `aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor` */
export const _logSoftmax: (self: Tensor, dim: number, halfToFloat: boolean) => Tensor = bind('aten::_log_softmax');

/** `aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor` */
export const _softmax: (self: Tensor, dim: number, halfToFloat: boolean) => Tensor = bind('aten::_softmax');

/** `aten::_upsample_bicubic2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export const _upsampleBicubic2dAa: (self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null) => Tensor = bind('aten::_upsample_bicubic2d_aa');

/** `aten::_upsample_bilinear2d_aa(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export const _upsampleBilinear2dAa: (self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null) => Tensor = bind('aten::_upsample_bilinear2d_aa');

/** `aten::abs(Tensor self) -> Tensor` */
export const abs: (self: Tensor) => Tensor = bind('aten::abs');

/** `aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor` */
export const adaptiveAvgPool2d: (self: Tensor, outputSize: number | readonly number[]) => Tensor = bind('aten::adaptive_avg_pool2d');

/** `aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export const addScalar: (self: Tensor, other: number | boolean, alpha?: number | boolean) => Tensor = bind('aten::add.Scalar');

/** `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
export const addTensor: (self: Tensor, other: Tensor, alpha?: number | boolean) => Tensor = bind('aten::add.Tensor');

/** `aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
export const addScalar_: (self: Tensor, other: number | boolean, alpha?: number | boolean) => Tensor = bind('aten::add_.Scalar');

/** `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
export const addTensor_: (self: Tensor, other: Tensor, alpha?: number | boolean) => Tensor = bind('aten::add_.Tensor');

/** `aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
export const addcdiv_: (self: Tensor, tensor1: Tensor, tensor2: Tensor, value?: number | boolean) => Tensor = bind('aten::addcdiv_');

/** `aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
export const addcmul_: (self: Tensor, tensor1: Tensor, tensor2: Tensor, value?: number | boolean) => Tensor = bind('aten::addcmul_');

/** `aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
export const addmm: (self: Tensor, mat1: Tensor, mat2: Tensor, beta?: number | boolean, alpha?: number | boolean) => Tensor = bind('aten::addmm');

/** `aten::all(Tensor self) -> Tensor` */
export const all: (self: Tensor) => Tensor = bind('aten::all');

/** `aten::allclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float atol=1e-08, bool equal_nan=False) -> bool` */
export const allclose: (self: Tensor, other: Tensor, rtol?: number, atol?: number, equalNan?: boolean) => boolean = bind('aten::allclose');

/** `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
export const amax: (self: Tensor, dim?: number | readonly number[], keepdim?: boolean) => Tensor = bind('aten::amax');

/** `aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
export const amin: (self: Tensor, dim?: number | readonly number[], keepdim?: boolean) => Tensor = bind('aten::amin');

/** `aten::any(Tensor self) -> Tensor` */
export const any: (self: Tensor) => Tensor = bind('aten::any');

/** `aten::arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const arange: (end: number | boolean, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::arange');

/** `aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const arangeStartStep: (start: number | boolean, end: number | boolean, step?: number | boolean, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::arange.start_step');

/** `aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
export const argmax: (self: Tensor, dim?: number | null, keepdim?: boolean) => Tensor = bind('aten::argmax');

/** `aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
export const argmin: (self: Tensor, dim?: number | null, keepdim?: boolean) => Tensor = bind('aten::argmin');

/** `aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor` */
export const argsort: (self: Tensor, dim?: number, descending?: boolean) => Tensor = bind('aten::argsort');

/** `aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)` */
export const asStrided: (self: Tensor, size: readonly number[], stride: readonly number[], storageOffset?: number | null) => Tensor = bind('aten::as_strided');

/** `aten::atan(Tensor self) -> Tensor` */
export const atan: (self: Tensor) => Tensor = bind('aten::atan');

/** `aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor` */
export const avgPool2d: (self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], padding?: number | readonly number[], ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number | null) => Tensor = bind('aten::avg_pool2d');

/** `aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor` */
export const batchNorm: (input: Tensor, weight: Tensor | null, bias: Tensor | null, runningMean: Tensor | null, runningVar: Tensor | null, training: boolean, momentum: number, eps: number, cudnnEnabled: boolean) => Tensor = bind('aten::batch_norm');

/** `aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor` */
export const bernoulli: (self: Tensor, generator?: GeneratorHandle | null) => Tensor = bind('aten::bernoulli');

/** `aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)` */
export const bernoulliFloat_: (self: Tensor, p?: number, generator?: GeneratorHandle | null) => Tensor = bind('aten::bernoulli_.float');

/** `aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor` */
export const binaryCrossEntropyWithLogits: (self: Tensor, target: Tensor, weight?: Tensor | null, posWeight?: Tensor | null, reduction?: number) => Tensor = bind('aten::binary_cross_entropy_with_logits');

/** `aten::bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor` */
export const bincount: (self: Tensor, weights?: Tensor | null, minlength?: number) => Tensor = bind('aten::bincount');

/** `aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor` */
export const bitwiseAndTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::bitwise_and.Tensor');

/** `aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor` */
export const bitwiseOrTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::bitwise_or.Tensor');

/** `aten::bmm(Tensor self, Tensor mat2) -> Tensor` */
export const bmm: (self: Tensor, mat2: Tensor) => Tensor = bind('aten::bmm');

/** `aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]` */
export const broadcastTensors: (tensors: readonly Tensor[]) => Tensor[] = bind('aten::broadcast_tensors');

/** `aten::cat(Tensor[] tensors, int dim=0) -> Tensor` */
export const cat: (tensors: readonly Tensor[], dim?: number) => Tensor = bind('aten::cat');

/** `aten::ceil(Tensor self) -> Tensor` */
export const ceil: (self: Tensor) => Tensor = bind('aten::ceil');

/** `aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]` */
export const chunk: (self: Tensor, chunks: number, dim?: number) => Tensor[] = bind('aten::chunk');

/** `aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor` */
export const clamp: (self: Tensor, min?: number | boolean | null, max?: number | boolean | null) => Tensor = bind('aten::clamp');

/** `aten::clamp_(Tensor(a!) self, Scalar? min=None, Scalar? max=None) -> Tensor(a!)` */
export const clamp_: (self: Tensor, min?: number | boolean | null, max?: number | boolean | null) => Tensor = bind('aten::clamp_');

/** `aten::clamp_min(Tensor self, Scalar min) -> Tensor` */
export const clampMin: (self: Tensor, min: number | boolean) => Tensor = bind('aten::clamp_min');

/** `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
export const clone: (self: Tensor, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::clone');

/** `aten::constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor` */
export const constantPadNd: (self: Tensor, pad: readonly number[], value?: number | boolean) => Tensor = bind('aten::constant_pad_nd');

/** `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
export const contiguous: (self: Tensor, memoryFormat?: MemoryFormat) => Tensor = bind('aten::contiguous');

/** `aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor` */
export const conv2d: (input: Tensor, weight: Tensor, bias?: Tensor | null, stride?: number | readonly number[], padding?: number | readonly number[], dilation?: number | readonly number[], groups?: number) => Tensor = bind('aten::conv2d');

/** `aten::conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] output_padding=0, int groups=1, int[2] dilation=1) -> Tensor` */
export const convTranspose2dInput: (input: Tensor, weight: Tensor, bias?: Tensor | null, stride?: number | readonly number[], padding?: number | readonly number[], outputPadding?: number | readonly number[], groups?: number, dilation?: number | readonly number[]) => Tensor = bind('aten::conv_transpose2d.input');

/** `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
export const copy_: (self: Tensor, src: Tensor, nonBlocking?: boolean) => Tensor = bind('aten::copy_');

/** `aten::cos(Tensor self) -> Tensor` */
export const cos: (self: Tensor) => Tensor = bind('aten::cos');

/** `aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, float label_smoothing=0.) -> Tensor` */
export const crossEntropyLoss: (self: Tensor, target: Tensor, weight?: Tensor | null, reduction?: number, ignoreIndex?: number, labelSmoothing?: number) => Tensor = bind('aten::cross_entropy_loss');

/** `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
export const cumsum: (self: Tensor, dim: number, dtype?: DType | null) => Tensor = bind('aten::cumsum');

/** `aten::detach(Tensor(a) self) -> Tensor(a)` */
export const detach: (self: Tensor) => Tensor = bind('aten::detach');

/** `aten::div.Scalar(Tensor self, Scalar other) -> Tensor` */
export const divScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::div.Scalar');

/** `aten::div.Tensor(Tensor self, Tensor other) -> Tensor` */
export const divTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::div.Tensor');

/** `aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor` */
export const divTensorMode: (self: Tensor, other: Tensor, roundingMode: string | null) => Tensor = bind('aten::div.Tensor_mode');

/** `aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
export const divScalar_: (self: Tensor, other: number | boolean) => Tensor = bind('aten::div_.Scalar');

/** `aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
export const divTensor_: (self: Tensor, other: Tensor) => Tensor = bind('aten::div_.Tensor');

/** `aten::dropout(Tensor input, float p, bool train) -> Tensor` */
export const dropout: (input: Tensor, p: number, train: boolean) => Tensor = bind('aten::dropout');

/** `aten::dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)` */
export const dropout_: (self: Tensor, p: number, train: boolean) => Tensor = bind('aten::dropout_');

/** `aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor` */
export const einsum: (equation: string, tensors: readonly Tensor[], path?: readonly number[] | null) => Tensor = bind('aten::einsum');

/** `aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export const emptyMemoryFormat: (size: readonly number[], dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::empty.memory_format');

/** `aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export const emptyLike: (self: Tensor, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::empty_like');

/** `aten::eq.Scalar(Tensor self, Scalar other) -> Tensor` */
export const eqScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::eq.Scalar');

/** `aten::eq.Tensor(Tensor self, Tensor other) -> Tensor` */
export const eqTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::eq.Tensor');

/** `aten::equal(Tensor self, Tensor other) -> bool` */
export const equal: (self: Tensor, other: Tensor) => boolean = bind('aten::equal');

/** `aten::erf(Tensor self) -> Tensor` */
export const erf: (self: Tensor) => Tensor = bind('aten::erf');

/** `aten::erfinv_(Tensor(a!) self) -> Tensor(a!)` */
export const erfinv_: (self: Tensor) => Tensor = bind('aten::erfinv_');

/** `aten::exp(Tensor self) -> Tensor` */
export const exp: (self: Tensor) => Tensor = bind('aten::exp');

/** `aten::exp_(Tensor(a!) self) -> Tensor(a!)` */
export const exp_: (self: Tensor) => Tensor = bind('aten::exp_');

/** `aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)` */
export const expand: (self: Tensor, size: readonly number[], implicit?: boolean) => Tensor = bind('aten::expand');

/** `aten::eye(int n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const eye: (n: number, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::eye');

/** `aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
export const fillScalar_: (self: Tensor, value: number | boolean) => Tensor = bind('aten::fill_.Scalar');

/** `aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)` */
export const flattenUsingInts: (self: Tensor, startDim?: number, endDim?: number) => Tensor = bind('aten::flatten.using_ints');

/** `aten::flip(Tensor self, int[] dims) -> Tensor` */
export const flip: (self: Tensor, dims: readonly number[]) => Tensor = bind('aten::flip');

/** `aten::floor(Tensor self) -> Tensor` */
export const floor: (self: Tensor) => Tensor = bind('aten::floor');

/** `aten::floor_divide(Tensor self, Tensor other) -> Tensor` */
export const floorDivide: (self: Tensor, other: Tensor) => Tensor = bind('aten::floor_divide');

/** `aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const full: (size: readonly number[], fillValue: number | boolean, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::full');

/** `aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export const fullLike: (self: Tensor, fillValue: number | boolean, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::full_like');

/** `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
export const gather: (self: Tensor, dim: number, index: Tensor, sparseGrad?: boolean) => Tensor = bind('aten::gather');

/** `aten::ge.Scalar(Tensor self, Scalar other) -> Tensor` */
export const geScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::ge.Scalar');

/** `aten::ge.Tensor(Tensor self, Tensor other) -> Tensor` */
export const geTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::ge.Tensor');

/** `aten::gelu(Tensor self, *, str approximate="none") -> Tensor` */
export const gelu: (self: Tensor, approximate?: string) => Tensor = bind('aten::gelu');

/** `aten::gt.Scalar(Tensor self, Scalar other) -> Tensor` */
export const gtScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::gt.Scalar');

/** `aten::gt.Tensor(Tensor self, Tensor other) -> Tensor` */
export const gtTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::gt.Tensor');

/** `aten::hardsigmoid(Tensor self) -> Tensor` */
export const hardsigmoid: (self: Tensor) => Tensor = bind('aten::hardsigmoid');

/** `aten::hardswish(Tensor self) -> Tensor` */
export const hardswish: (self: Tensor) => Tensor = bind('aten::hardswish');

/** `aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor` */
export const hardtanh: (self: Tensor, minVal?: number | boolean, maxVal?: number | boolean) => Tensor = bind('aten::hardtanh');

/** `aten::hardtanh_(Tensor(a!) self, Scalar min_val=-1, Scalar max_val=1) -> Tensor(a!)` */
export const hardtanh_: (self: Tensor, minVal?: number | boolean, maxVal?: number | boolean) => Tensor = bind('aten::hardtanh_');

/** `aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor` */
export const indexTensor: (self: Tensor, indices: readonly (Tensor | null)[]) => Tensor = bind('aten::index.Tensor');

/** `aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)` */
export const indexAdd_: (self: Tensor, dim: number, index: Tensor, source: Tensor, alpha?: number | boolean) => Tensor = bind('aten::index_add_');

/** `aten::index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor(a!)` */
export const indexPut_: (self: Tensor, indices: readonly (Tensor | null)[], values: Tensor, accumulate?: boolean) => Tensor = bind('aten::index_put_');

/** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
export const indexSelect: (self: Tensor, dim: number, index: Tensor) => Tensor = bind('aten::index_select');

/** `aten::isfinite(Tensor self) -> Tensor` */
export const isfinite: (self: Tensor) => Tensor = bind('aten::isfinite');

/** `aten::isinf(Tensor self) -> Tensor` */
export const isinf: (self: Tensor) => Tensor = bind('aten::isinf');

/** `aten::isnan(Tensor self) -> Tensor` */
export const isnan: (self: Tensor) => Tensor = bind('aten::isnan');

/** `aten::l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
export const l1Loss: (self: Tensor, target: Tensor, reduction?: number) => Tensor = bind('aten::l1_loss');

/** `aten::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor` */
export const layerNorm: (input: Tensor, normalizedShape: readonly number[], weight?: Tensor | null, bias?: Tensor | null, eps?: number, cudnnEnable?: boolean) => Tensor = bind('aten::layer_norm');

/** `aten::le.Scalar(Tensor self, Scalar other) -> Tensor` */
export const leScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::le.Scalar');

/** `aten::le.Tensor(Tensor self, Tensor other) -> Tensor` */
export const leTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::le.Tensor');

/** `aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor` */
export const leakyRelu: (self: Tensor, negativeSlope?: number | boolean) => Tensor = bind('aten::leaky_relu');

/** `aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)` */
export const lerpScalar_: (self: Tensor, end: Tensor, weight: number | boolean) => Tensor = bind('aten::lerp_.Scalar');

/** `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export const linalgVectorNorm: (self: Tensor, ord?: number | boolean, dim?: number | readonly number[] | null, keepdim?: boolean, dtype?: DType | null) => Tensor = bind('aten::linalg_vector_norm');

/** `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor` */
export const linear: (input: Tensor, weight: Tensor, bias?: Tensor | null) => Tensor = bind('aten::linear');

/** `aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const linspace: (start: number | boolean, end: number | boolean, steps: number, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::linspace');

/** `aten::log(Tensor self) -> Tensor` */
export const log: (self: Tensor) => Tensor = bind('aten::log');

/** `aten::log1p(Tensor self) -> Tensor` */
export const log1p: (self: Tensor) => Tensor = bind('aten::log1p');

/** `aten::log2(Tensor self) -> Tensor` */
export const log2: (self: Tensor) => Tensor = bind('aten::log2');

/** `aten::log_(Tensor(a!) self) -> Tensor(a!)` */
export const log_: (self: Tensor) => Tensor = bind('aten::log_');

/** `aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export const logSoftmaxInt: (self: Tensor, dim: number, dtype?: DType | null) => Tensor = bind('aten::log_softmax.int');

/** `aten::logical_and(Tensor self, Tensor other) -> Tensor` */
export const logicalAnd: (self: Tensor, other: Tensor) => Tensor = bind('aten::logical_and');

/** `aten::logical_not(Tensor self) -> Tensor` */
export const logicalNot: (self: Tensor) => Tensor = bind('aten::logical_not');

/** `aten::logical_or(Tensor self, Tensor other) -> Tensor` */
export const logicalOr: (self: Tensor, other: Tensor) => Tensor = bind('aten::logical_or');

/** `aten::lt.Scalar(Tensor self, Scalar other) -> Tensor` */
export const ltScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::lt.Scalar');

/** `aten::lt.Tensor(Tensor self, Tensor other) -> Tensor` */
export const ltTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::lt.Tensor');

/** `aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
export const maskedFillScalar: (self: Tensor, mask: Tensor, value: number | boolean) => Tensor = bind('aten::masked_fill.Scalar');

/** `aten::masked_fill_.Scalar(Tensor(a!) self, Tensor mask, Scalar value) -> Tensor(a!)` */
export const maskedFillScalar_: (self: Tensor, mask: Tensor, value: number | boolean) => Tensor = bind('aten::masked_fill_.Scalar');

/** `aten::masked_select(Tensor self, Tensor mask) -> Tensor` */
export const maskedSelect: (self: Tensor, mask: Tensor) => Tensor = bind('aten::masked_select');

/** `aten::matmul(Tensor self, Tensor other) -> Tensor` */
export const matmul: (self: Tensor, other: Tensor) => Tensor = bind('aten::matmul');

/** `aten::max(Tensor self) -> Tensor` */
export const max: (self: Tensor) => Tensor = bind('aten::max');

/** `aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
export const maxDim: (self: Tensor, dim: number, keepdim?: boolean) => [Tensor, Tensor] = bind('aten::max.dim');

/** `aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor` */
export const maxPool2d: (self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], padding?: number | readonly number[], dilation?: number | readonly number[], ceilMode?: boolean) => Tensor = bind('aten::max_pool2d');

/** `aten::maximum(Tensor self, Tensor other) -> Tensor` */
export const maximum: (self: Tensor, other: Tensor) => Tensor = bind('aten::maximum');

/** `aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export const mean: (self: Tensor, dtype?: DType | null) => Tensor = bind('aten::mean');

/** `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export const meanDim: (self: Tensor, dim: number | readonly number[] | null, keepdim?: boolean, dtype?: DType | null) => Tensor = bind('aten::mean.dim');

/** `aten::min(Tensor self) -> Tensor` */
export const min: (self: Tensor) => Tensor = bind('aten::min');

/** `aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
export const minDim: (self: Tensor, dim: number, keepdim?: boolean) => [Tensor, Tensor] = bind('aten::min.dim');

/** `aten::minimum(Tensor self, Tensor other) -> Tensor` */
export const minimum: (self: Tensor, other: Tensor) => Tensor = bind('aten::minimum');

/** `aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
export const mseLoss: (self: Tensor, target: Tensor, reduction?: number) => Tensor = bind('aten::mse_loss');

/** `aten::mul.Scalar(Tensor self, Scalar other) -> Tensor` */
export const mulScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::mul.Scalar');

/** `aten::mul.Tensor(Tensor self, Tensor other) -> Tensor` */
export const mulTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::mul.Tensor');

/** `aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
export const mulScalar_: (self: Tensor, other: number | boolean) => Tensor = bind('aten::mul_.Scalar');

/** `aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
export const mulTensor_: (self: Tensor, other: Tensor) => Tensor = bind('aten::mul_.Tensor');

/** `aten::multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor` */
export const multinomial: (self: Tensor, numSamples: number, replacement?: boolean, generator?: GeneratorHandle | null) => Tensor = bind('aten::multinomial');

/** `aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)` */
export const narrow: (self: Tensor, dim: number, start: number, length: number) => Tensor = bind('aten::narrow');

/** `aten::ne.Scalar(Tensor self, Scalar other) -> Tensor` */
export const neScalar: (self: Tensor, other: number | boolean) => Tensor = bind('aten::ne.Scalar');

/** `aten::ne.Tensor(Tensor self, Tensor other) -> Tensor` */
export const neTensor: (self: Tensor, other: Tensor) => Tensor = bind('aten::ne.Tensor');

/** `aten::neg(Tensor self) -> Tensor` */
export const neg: (self: Tensor) => Tensor = bind('aten::neg');

/** `aten::neg_(Tensor(a!) self) -> Tensor(a!)` */
export const neg_: (self: Tensor) => Tensor = bind('aten::neg_');

/** `aten::nll_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100) -> Tensor` */
export const nllLoss: (self: Tensor, target: Tensor, weight?: Tensor | null, reduction?: number, ignoreIndex?: number) => Tensor = bind('aten::nll_loss');

/** `aten::nonzero(Tensor self) -> Tensor` */
export const nonzero: (self: Tensor) => Tensor = bind('aten::nonzero');

/** `aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor` */
export const normScalar: (self: Tensor, p?: number | boolean) => Tensor = bind('aten::norm.Scalar');

/** `aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)` */
export const normal_: (self: Tensor, mean?: number, std?: number, generator?: GeneratorHandle | null) => Tensor = bind('aten::normal_');

/** `aten::one_hot(Tensor self, int num_classes=-1) -> Tensor` */
export const oneHot: (self: Tensor, numClasses?: number) => Tensor = bind('aten::one_hot');

/** `aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const ones: (size: readonly number[], dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::ones');

/** `aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export const onesLike: (self: Tensor, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::ones_like');

/** `aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)` */
export const permute: (self: Tensor, dims: readonly number[]) => Tensor = bind('aten::permute');

/** `aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor` */
export const powScalar: (self: number | boolean, exponent: Tensor) => Tensor = bind('aten::pow.Scalar');

/** `aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor` */
export const powTensorScalar: (self: Tensor, exponent: number | boolean) => Tensor = bind('aten::pow.Tensor_Scalar');

/** `aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor` */
export const powTensorTensor: (self: Tensor, exponent: Tensor) => Tensor = bind('aten::pow.Tensor_Tensor');

/** `aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export const prod: (self: Tensor, dtype?: DType | null) => Tensor = bind('aten::prod');

/** `aten::rand(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const rand: (size: readonly number[], dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::rand');

/** `aten::rand.generator(int[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randGenerator: (size: readonly number[], generator: GeneratorHandle | null, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::rand.generator');

/** `aten::randint.low(int low, int high, int[] size, *, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randintLow: (low: number, high: number, size: readonly number[], dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::randint.low');

/** `aten::randint.low_generator(int low, int high, int[] size, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randintLowGenerator: (low: number, high: number, size: readonly number[], generator: GeneratorHandle | null, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::randint.low_generator');

/** `aten::randn(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randn: (size: readonly number[], dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::randn');

/** `aten::randn.generator(int[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randnGenerator: (size: readonly number[], generator: GeneratorHandle | null, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::randn.generator');

/** `aten::randperm(int n, *, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randperm: (n: number, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::randperm');

/** `aten::randperm.generator(int n, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const randpermGenerator: (n: number, generator: GeneratorHandle | null, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::randperm.generator');

/** `aten::reciprocal(Tensor self) -> Tensor` */
export const reciprocal: (self: Tensor) => Tensor = bind('aten::reciprocal');

/** `aten::relu(Tensor self) -> Tensor` */
export const relu: (self: Tensor) => Tensor = bind('aten::relu');

/** `aten::relu6(Tensor self) -> Tensor` */
export const relu6: (self: Tensor) => Tensor = bind('aten::relu6');

/** `aten::relu_(Tensor(a!) self) -> Tensor(a!)` */
export const relu_: (self: Tensor) => Tensor = bind('aten::relu_');

/** `aten::repeat(Tensor self, SymInt[] repeats) -> Tensor` */
export const repeat: (self: Tensor, repeats: readonly number[]) => Tensor = bind('aten::repeat');

/** `aten::repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? output_size=None) -> Tensor` */
export const repeatInterleaveSelfInt: (self: Tensor, repeats: number, dim?: number | null, outputSize?: number | null) => Tensor = bind('aten::repeat_interleave.self_int');

/** `aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
export const reshape: (self: Tensor, shape: readonly number[]) => Tensor = bind('aten::reshape');

/** `aten::roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor` */
export const roll: (self: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]) => Tensor = bind('aten::roll');

/** `aten::round(Tensor self) -> Tensor` */
export const round: (self: Tensor) => Tensor = bind('aten::round');

/** `aten::rsqrt(Tensor self) -> Tensor` */
export const rsqrt: (self: Tensor) => Tensor = bind('aten::rsqrt');

/** `aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export const rsubScalar: (self: Tensor, other: number | boolean, alpha?: number | boolean) => Tensor = bind('aten::rsub.Scalar');

/** `aten::scatter_.src(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)` */
export const scatterSrc_: (self: Tensor, dim: number, index: Tensor, src: Tensor) => Tensor = bind('aten::scatter_.src');

/** `aten::scatter_.value(Tensor(a!) self, int dim, Tensor index, Scalar value) -> Tensor(a!)` */
export const scatterValue_: (self: Tensor, dim: number, index: Tensor, value: number | boolean) => Tensor = bind('aten::scatter_.value');

/** `aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)` */
export const selectInt: (self: Tensor, dim: number, index: number) => Tensor = bind('aten::select.int');

/** `aten::sigmoid(Tensor self) -> Tensor` */
export const sigmoid: (self: Tensor) => Tensor = bind('aten::sigmoid');

/** `aten::sign(Tensor self) -> Tensor` */
export const sign: (self: Tensor) => Tensor = bind('aten::sign');

/** `aten::silu(Tensor self) -> Tensor` */
export const silu: (self: Tensor) => Tensor = bind('aten::silu');

/** `aten::sin(Tensor self) -> Tensor` */
export const sin: (self: Tensor) => Tensor = bind('aten::sin');

/** `aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)` */
export const sliceTensor: (self: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number) => Tensor = bind('aten::slice.Tensor');

/** `aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> Tensor` */
export const smoothL1Loss: (self: Tensor, target: Tensor, reduction?: number, beta?: number) => Tensor = bind('aten::smooth_l1_loss');

/** `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export const softmaxInt: (self: Tensor, dim: number, dtype?: DType | null) => Tensor = bind('aten::softmax.int');

/** `aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor` */
export const softplus: (self: Tensor, beta?: number | boolean, threshold?: number | boolean) => Tensor = bind('aten::softplus');

/** `aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)` */
export const sort: (self: Tensor, dim?: number, descending?: boolean) => [Tensor, Tensor] = bind('aten::sort');

/** `aten::split.Tensor(Tensor(a -> *) self, int split_size, int dim=0) -> Tensor(a)[]` */
export const splitTensor: (self: Tensor, splitSize: number, dim?: number) => Tensor[] = bind('aten::split.Tensor');

/** `aten::split_with_sizes(Tensor(a -> *) self, int[] split_sizes, int dim=0) -> Tensor(a)[]` */
export const splitWithSizes: (self: Tensor, splitSizes: readonly number[], dim?: number) => Tensor[] = bind('aten::split_with_sizes');

/** `aten::sqrt(Tensor self) -> Tensor` */
export const sqrt: (self: Tensor) => Tensor = bind('aten::sqrt');

/** `aten::sqrt_(Tensor(a!) self) -> Tensor(a!)` */
export const sqrt_: (self: Tensor) => Tensor = bind('aten::sqrt_');

/** `aten::square(Tensor self) -> Tensor` */
export const square: (self: Tensor) => Tensor = bind('aten::square');

/** `aten::squeeze(Tensor(a) self) -> Tensor(a)` */
export const squeeze: (self: Tensor) => Tensor = bind('aten::squeeze');

/** `aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
export const squeezeDim: (self: Tensor, dim: number) => Tensor = bind('aten::squeeze.dim');

/** `aten::stack(Tensor[] tensors, int dim=0) -> Tensor` */
export const stack: (tensors: readonly Tensor[], dim?: number) => Tensor = bind('aten::stack');

/** `aten::std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor` */
export const stdDim: (self: Tensor, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean) => Tensor = bind('aten::std.dim');

/** `aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export const subScalar: (self: Tensor, other: number | boolean, alpha?: number | boolean) => Tensor = bind('aten::sub.Scalar');

/** `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
export const subTensor: (self: Tensor, other: Tensor, alpha?: number | boolean) => Tensor = bind('aten::sub.Tensor');

/** `aten::sub_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
export const subScalar_: (self: Tensor, other: number | boolean, alpha?: number | boolean) => Tensor = bind('aten::sub_.Scalar');

/** `aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
export const subTensor_: (self: Tensor, other: Tensor, alpha?: number | boolean) => Tensor = bind('aten::sub_.Tensor');

/** `aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export const sum: (self: Tensor, dtype?: DType | null) => Tensor = bind('aten::sum');

/** `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export const sumDimIntList: (self: Tensor, dim: number | readonly number[] | null, keepdim?: boolean, dtype?: DType | null) => Tensor = bind('aten::sum.dim_IntList');

/** `aten::t(Tensor(a) self) -> Tensor(a)` */
export const t: (self: Tensor) => Tensor = bind('aten::t');

/** `aten::tanh(Tensor self) -> Tensor` */
export const tanh: (self: Tensor) => Tensor = bind('aten::tanh');

/** `aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)` */
export const toDevice: (self: Tensor, device: string, dtype: DType, nonBlocking?: boolean, copy?: boolean, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::to.device');

/** `aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)` */
export const toDtypeLayout: (self: Tensor, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null, nonBlocking?: boolean, copy?: boolean, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::to.dtype_layout');

/** `aten::topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)` */
export const topk: (self: Tensor, k: number, dim?: number, largest?: boolean, sorted?: boolean) => [Tensor, Tensor] = bind('aten::topk');

/** `aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
export const transposeInt: (self: Tensor, dim0: number, dim1: number) => Tensor = bind('aten::transpose.int');

/** `aten::tril(Tensor self, int diagonal=0) -> Tensor` */
export const tril: (self: Tensor, diagonal?: number) => Tensor = bind('aten::tril');

/** `aten::triu(Tensor self, int diagonal=0) -> Tensor` */
export const triu: (self: Tensor, diagonal?: number) => Tensor = bind('aten::triu');

/** `aten::trunc(Tensor self) -> Tensor` */
export const trunc: (self: Tensor) => Tensor = bind('aten::trunc');

/** `aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]` */
export const unbindInt: (self: Tensor, dim?: number) => Tensor[] = bind('aten::unbind.int');

/** `aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)` */
export const unfold: (self: Tensor, dimension: number, size: number, step: number) => Tensor = bind('aten::unfold');

/** `aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)` */
export const uniform_: (self: Tensor, from?: number, to?: number, generator?: GeneratorHandle | null) => Tensor = bind('aten::uniform_');

/** `aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
export const unsqueeze: (self: Tensor, dim: number) => Tensor = bind('aten::unsqueeze');

/** `aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export const upsampleBilinear2d: (self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null) => Tensor = bind('aten::upsample_bilinear2d');

/** `aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None) -> Tensor` */
export const upsampleNearest2d: (self: Tensor, outputSize: number | readonly number[], scalesH?: number | null, scalesW?: number | null) => Tensor = bind('aten::upsample_nearest2d');

/** `aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor` */
export const varDim: (self: Tensor, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean) => Tensor = bind('aten::var.dim');

/** `aten::var_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)` */
export const varMeanDim: (self: Tensor, dim: number | readonly number[] | null, unbiased?: boolean, keepdim?: boolean) => [Tensor, Tensor] = bind('aten::var_mean.dim');

/** `aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)` */
export const view: (self: Tensor, size: readonly number[]) => Tensor = bind('aten::view');

/** `aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor` */
export const whereScalarOther: (condition: Tensor, self: Tensor, other: number | boolean) => Tensor = bind('aten::where.ScalarOther');

/** `aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor` */
export const whereSelf: (condition: Tensor, self: Tensor, other: Tensor) => Tensor = bind('aten::where.self');

/** `aten::zero_(Tensor(a!) self) -> Tensor(a!)` */
export const zero_: (self: Tensor) => Tensor = bind('aten::zero_');

/** `aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export const zeros: (size: readonly number[], dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null) => Tensor = bind('aten::zeros');

/** `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export const zerosLike: (self: Tensor, dtype?: DType | null, layout?: 'strided' | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: MemoryFormat | null) => Tensor = bind('aten::zeros_like');

/** `torchvision::deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, bool use_mask) -> Tensor` */
export const deformConv2d: (input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor, strideH: number, strideW: number, padH: number, padW: number, dilationH: number, dilationW: number, groups: number, offsetGroups: number, useMask: boolean) => Tensor = bind('torchvision::deform_conv2d');

/** `torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor` */
export const nms: (dets: Tensor, scores: Tensor, iouThreshold: number) => Tensor = bind('torchvision::nms');

/** `torchvision::roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, int sampling_ratio, bool aligned) -> Tensor` */
export const roiAlign: (input: Tensor, rois: Tensor, spatialScale: number, pooledHeight: number, pooledWidth: number, samplingRatio: number, aligned: boolean) => Tensor = bind('torchvision::roi_align');

/** `torchvision::roi_pool(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width) -> (Tensor, Tensor)` */
export const roiPool: (input: Tensor, rois: Tensor, spatialScale: number, pooledHeight: number, pooledWidth: number) => [Tensor, Tensor] = bind('torchvision::roi_pool');
