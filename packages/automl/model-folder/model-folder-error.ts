export type ModelFolderErrorCode =
  | 'missing-file'
  | 'changed-file'
  | 'invalid-file'
  | 'unknown-format'
  | 'invalid-settings'
  | 'inconsistent'
  /** A model of another kind than is asked for. */
  | 'wrong-task';

export interface ModelFolderIssue {
  code: ModelFolderErrorCode;
  /** The file at fault, with its folder. */
  file: string;
  message: string;
  /** What to do next. */
  hint?: string;
}

/** A folder is not a model folder, or its files do not fit together. */
export class ModelFolderError extends Error {
  override readonly name = 'ModelFolderError';
  readonly issue: ModelFolderIssue;

  constructor(issue: ModelFolderIssue) {
    super(`${issue.file}: ${issue.message}${issue.hint ? `. ${issue.hint}` : ''}`);
    this.issue = issue;
  }

  get code(): ModelFolderErrorCode {
    return this.issue.code;
  }
}
