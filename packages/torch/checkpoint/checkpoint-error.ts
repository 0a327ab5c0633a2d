export type CheckpointErrorCode =
  | 'unreadable' // the operating system did not give the file
  | 'unwritable' // the operating system did not take the file
  | 'truncated' // the file ends before its own description of itself does
  | 'invalid' // the file contradicts itself or its format
  | 'unsupported' // well-formed, but of a kind that is not read here
  | 'refused' // would need code or objects other than tensors and plain data
  | 'absent'; // a tensor that the file does not hold was asked for

export interface CheckpointIssue {
  readonly code: CheckpointErrorCode;
  readonly file: string;
  /** Name of the tensor (or of the archive entry) that is wrong, when it is one. */
  readonly tensor?: string;
  /** What is wrong, with what was expected and what was found. */
  readonly problem: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** A checkpoint file that cannot be read or written, as data (`code`, `file`, `tensor`, `problem`, `hint`). */
export class CheckpointError extends Error implements CheckpointIssue {
  override readonly name = 'CheckpointError';
  readonly code: CheckpointErrorCode;
  readonly file: string;
  readonly tensor: string | undefined;
  readonly problem: string;
  readonly hint: string | undefined;

  constructor(issue: CheckpointIssue, cause?: unknown) {
    const where = issue.tensor === undefined ? '' : ` tensor ${quoted(issue.tensor)}:`;
    super(`${issue.file}:${where} ${issue.problem}${issue.hint ? `. ${issue.hint}` : ''}`, { cause });
    this.code = issue.code;
    this.file = issue.file;
    this.tensor = issue.tensor;
    this.problem = issue.problem;
    this.hint = issue.hint;
  }
}

/** A name out of a file, safe to print: escaped, and cut when it is absurdly long. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}

/** `1234567` → `1,234,567 bytes`. */
export function byteCount(count: number): string {
  return `${count.toLocaleString('en-US')} byte${count === 1 ? '' : 's'}`;
}
