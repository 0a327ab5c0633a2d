import { distributionKeys } from '../search/space.ts';
import { squash } from '../yaml/value-schema.ts';

export type DistributionType = keyof typeof distributionKeys;
export const distributionTypes = Object.keys(distributionKeys) as DistributionType[];

const bySquashedName: ReadonlyMap<string, DistributionType> = new Map(
  distributionTypes.map((type) => [squash(type), type] as const),
);

/** The distribution that a name means, whatever its case: `QUniform` → `quniform`. */
export function distributionType(name: string): DistributionType | undefined {
  return bySquashedName.get(squash(name));
}

export type ParsedExpression =
  | { readonly kind: 'scalar'; readonly value: string | number | boolean }
  | { readonly kind: 'distribution'; readonly value: Readonly<Record<string, unknown>> & { readonly type: string } }
  | { readonly kind: 'wrong'; readonly message: string };

/**
 * The function form of a search-space value: `choice('a', 'b')`, `uniform(0.001, 0.01)`, or a bare scalar. Lenient as the
 * service is: blanks, a trailing comma, unquoted words and a missing closing parenthesis do not matter; names of
 * functions are compared without case. An unknown function is returned under its own name for the caller to refuse.
 */
export function parseExpression(text: string): ParsedExpression {
  const call = /^\s*([A-Za-z_][\w-]*)\s*\(([\s\S]*?)\)?\s*$/.exec(text);
  if (call === null) return { kind: 'scalar', value: scalarFromWord(text) };
  const [, name = '', inside = ''] = call;
  const type = distributionType(name);
  if (type === undefined) return { kind: 'distribution', value: { type: name } };
  const args = splitArguments(inside).map(scalarFromWord);
  if (type === 'choice') return { kind: 'distribution', value: { type, values: args } };
  const keys = distributionKeys[type];
  if (args.length !== keys.length) {
    const message = `${type} takes ${keys.length === 1 ? 'one value' : `${keys.length} values`} (${keys.join(', ')}), not ${args.length}`;
    return { kind: 'wrong', message };
  }
  return { kind: 'distribution', value: { type, ...Object.fromEntries(keys.map((key, i) => [key, args[i]])) } };
}

/** Words between commas, blanks and brackets; a quoted word may hold any of these. */
function splitArguments(inside: string): string[] {
  return inside.match(/'[^']*'|"[^"]*"|[^\s,()[\]]+/g) ?? [];
}

/** A word as integer, else float, else truth value, else text without its quotes. */
function scalarFromWord(word: string): string | number | boolean {
  const trimmed = word.trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed);
  if (trimmed === 'True' || trimmed === 'true') return true;
  if (trimmed === 'False' || trimmed === 'false') return false;
  return trimmed.replace(/^(['"])(.*)\1$/s, '$2');
}
