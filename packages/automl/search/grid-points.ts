import { type Assignment, isDistribution, isMap, type Space, type SpaceValue, subSpaces, type Value } from './space.ts';

/**
 * Every assignment of a grid, once each: sub-space by sub-space, within one the Cartesian product of its choices, the
 * last parameter changing fastest. Lazy, because a grid can be far larger than the number of trials.
 *
 * @throws TypeError when the space holds a distribution other than `choice`.
 */
export function* gridPoints(space: Space): Generator<Assignment, void, undefined> {
  const seen = new Set<string>();
  for (const subSpace of subSpaces(space)) {
    for (const point of product(Object.entries(subSpace))) {
      const key = identity(point);
      if (seen.has(key)) continue;
      seen.add(key);
      yield point;
    }
  }
}

function* product(entries: readonly (readonly [string, SpaceValue])[]): Generator<Assignment, void, undefined> {
  const [first, ...rest] = entries;
  if (first === undefined) {
    yield {};
    return;
  }
  const [parameter, expression] = first;
  for (const value of values(expression)) {
    for (const others of product(rest)) yield { [parameter]: value, ...others };
  }
}

function* values(expression: SpaceValue): Generator<Value, void, undefined> {
  if (!isDistribution(expression)) {
    if (isMap(expression)) yield* product(Object.entries(expression));
    else yield expression as Value;
  } else if (expression.type === 'choice') {
    for (const option of expression.values) yield* values(option);
  } else {
    throw new TypeError(`grid sampling takes only choice, not ${expression.type}`);
  }
}

/** Equal exactly for equal values, whatever the order of keys; `1` and `"1"` differ. */
export function identity(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(identity).join(',')}]`;
  if (!isMap(value as SpaceValue)) return JSON.stringify(value);
  const entries = Object.entries(value as { [key: string]: Value }).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${identity(inner)}`).join(',')}}`;
}
