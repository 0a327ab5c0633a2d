export type WeightsErrorCode =
  | 'not-found' // a file or folder that the person named is not there
  | 'unavailable' // not on this machine, and not to be had from the network now
  | 'corrupt' // what arrived is not what was published
  | 'unwritable' // the cache cannot keep it
  | 'misfit'; // the weights belong to another network

export interface WeightsIssue {
  readonly code: WeightsErrorCode;
  /** The checkpoint's file name, or its path where it has one. */
  readonly file: string;
  /** What is wrong. */
  readonly problem: string;
  /** What to do about it, line by line. */
  readonly advice?: readonly string[];
}

/** Pretrained weights that cannot be used, as data (`code`, `file`, `problem`, `advice`). */
export class WeightsError extends Error implements WeightsIssue {
  override readonly name = 'WeightsError';
  readonly code: WeightsErrorCode;
  readonly file: string;
  readonly problem: string;
  readonly advice: readonly string[];

  constructor({ code, file, problem, advice = [] }: WeightsIssue, cause?: unknown) {
    super([`${file}: ${problem}`, ...advice].join('\n'), { cause });
    this.code = code;
    this.file = file;
    this.problem = problem;
    this.advice = advice;
  }
}
