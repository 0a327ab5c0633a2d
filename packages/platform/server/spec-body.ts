import { refused, type Tree, withoutNulls } from '../azure/wire-fields.ts';
import type { CheckedSpec } from '../endpoints/spec/index.ts';
import { invalid } from '../refusal.ts';
import { isObject } from './requests.ts';

/** A map in a body, without what is null. @throws Refusal for what is none */
export function mapIn(value: unknown, target: string): Tree {
  if (isObject(value)) return withoutNulls(value) as Tree;
  throw invalid(`${target} should be a map`, target);
}

/** The revision that is to be changed. @throws Refusal for what is no number */
export function revisionIn(revision: unknown): { readonly revision?: number } {
  if (revision === undefined) return {};
  if (typeof revision === 'number' && Number.isSafeInteger(revision)) return { revision };
  throw invalid('revision should be a whole number', 'revision');
}

/** What was sent, held to the rules of files. @throws Refusal with all that is wrong with it */
export function checked<Spec>(check: (raw: Tree) => CheckedSpec<Spec>, raw: Tree): Spec {
  const { value, problems } = check(raw);
  if (value !== null) return value;
  const errors = problems.filter(({ severity }) => severity !== 'warning');
  throw refused(
    errors.map(({ code, path, message, hint }) => ({
      ...{ code, target: path.join('.') },
      message: hint === undefined ? message : `${message}; ${hint}`,
    })),
  );
}
