import type { CheckedSpec } from '../endpoints/spec/index.ts';
import type { RefusalDetail } from '../refusal.ts';
import { refused, type Tree, type WireTable } from './wire-fields.ts';

/**
 * Reads the body of a request by a table, and holds it to the rules of files.
 *
 * @param check of what was read; takes keys as files have them
 * @throws Refusal with all that is wrong, each at its place in the request
 */
export function checkedSpec<Spec>(
  table: WireTable,
  body: Tree,
  check: (values: Tree, problems: RefusalDetail[]) => CheckedSpec<Spec>,
): Spec {
  const { values, problems: wrong } = table.read(body);
  const { value, problems } = check(values, wrong);
  for (const { code, severity, path, message, hint } of problems) {
    if (severity === 'warning') continue;
    const target = table.placeOf(path) ?? path.join('.');
    wrong.push({ code, message: hint === undefined ? message : `${message}; ${hint}`, target });
  }
  if (value !== null && wrong.length === 0) return value;
  throw refused(wrong);
}
