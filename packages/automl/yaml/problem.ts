import type { Issue } from '@fovea/data';
import type { Path, YamlSource } from './yaml-source.ts';

/** Something wrong at a path of a file's values, before it is known where in the file that is. */
export interface Problem {
  readonly code: string;
  /** `error` when left out. */
  readonly severity?: 'error' | 'warning';
  readonly path: Path;
  /** Point at the name in front of the value instead of the value. */
  readonly on?: 'key';
  readonly message: string;
  readonly hint?: string;
}

/** A problem at its place in the file. */
export function issueAt(source: YamlSource, { code, severity = 'error', path, on, message, hint }: Problem): Issue {
  return {
    code,
    severity,
    ...source.place(path, on),
    path: [...path],
    message,
    ...(hint !== undefined && { hint }),
  };
}

/**
 * Problems of the file by line, then those without a line, then those of the command line in its order.
 *
 * @param args what was given there, as `--set name=x`
 */
export function inOrder(issues: readonly Issue[], file: string, args: readonly string[]): Issue[] {
  const rank = (issue: Issue) =>
    issue.file === file
      ? (issue.line ?? Number.MAX_SAFE_INTEGER / 2)
      : Number.MAX_SAFE_INTEGER / 2 + 1 + args.indexOf(issue.file);
  return issues.toSorted((a, b) => rank(a) - rank(b) || (a.column ?? 0) - (b.column ?? 0));
}
