export type OnnxErrorCode =
  /** An operator of the traced model has no ONNX form here. */
  | 'unsupported-operator'
  /** An operator is used in a way that its ONNX form cannot express. */
  | 'unsupported-use'
  /** The graph would depend on the batch size although it was asked to take any. */
  | 'fixed-batch'
  /** The model is not one that can be traced (mode, dtype, output). */
  | 'unsuitable-model'
  | 'too-large'
  /** The exported graph does not compute what the model computes. */
  | 'mismatch'
  /** A file is not an ONNX model, or one that must not be run. */
  | 'refused-file';

export interface OnnxIssue {
  code: OnnxErrorCode;
  message: string;
  /** What to do next. */
  hint?: string;
  /** e.g. `aten::conv2d` */
  operator?: string;
  /** As libtorch registers it. */
  schema?: string;
  /** Path of the module whose `forward` made the call, e.g. `layer1.0.conv1`; empty for the model itself. */
  module?: string;
}

/** An ONNX graph could not be made, does not agree with its model, or must not be loaded. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
  readonly issue: OnnxIssue;

  constructor(issue: OnnxIssue) {
    const place = issue.operator ? ` (${issue.operator} in ${issue.module || 'the model itself'})` : '';
    super(`${issue.message}${place}${issue.hint ? `. ${issue.hint}` : ''}`);
    this.issue = issue;
  }

  get code(): OnnxErrorCode {
    return this.issue.code;
  }
}
