import { z } from 'zod';
import { type Distribution, distributionKeys } from '../search/space.ts';
import { number, type Range, section, wholeNumber } from '../yaml/value-schema.ts';
import type { DistributionType } from './expression.ts';
import { distributionTypes } from './expression.ts';
import type { Definition } from './hyperparameter-definition.ts';
import { valueSchema } from './hyperparameter-schema.ts';

/**
 * Which distributions a kind of hyperparameter takes. Integers are never drawn from continuous ones, words and truth
 * values only from a choice.
 */
export function acceptedDistributions(definition: Definition): readonly DistributionType[] {
  switch (definition.kind) {
    case 'float':
      return distributionTypes;
    case 'int':
      return ['choice', 'randint', 'quniform', 'qloguniform', 'qnormal', 'qlognormal'];
    default:
      return ['choice'];
  }
}

/** A fixed value or a distribution: what a search space may hold for a hyperparameter. */
export function spaceValueSchema(definition: Definition): z.ZodType<unknown> {
  const value = valueSchema(definition as Definition);
  return z.union([value, distributionSchema(definition, value)]).meta({ description: definition.doc });
}

/** The distributions that a hyperparameter takes, with the values of a choice held to its type and range. */
export function distributionSchema(definition: Definition, value: z.ZodType<unknown>): z.ZodType<unknown> {
  const [first, ...others] = acceptedDistributions(definition).map((type) => schemaOfType(type, definition, value));
  return z.discriminatedUnion('type', [first as SchemaOfType, ...others]);
}

type SchemaOfType = ReturnType<typeof schemaOfType>;

function schemaOfType(type: DistributionType, definition: Definition, value: z.ZodType<unknown>) {
  // What is drawn for an integer is integer exactly when the step is.
  const step = definition.kind === 'int' ? wholeNumber({ min: 1 }) : number({ above: 0 });
  const exponent = type.includes('loguniform') ? ', as exponent of e' : '';
  const ofLogarithm = type.includes('lognormal') ? ' of the natural logarithm' : '';
  const fields: Record<string, z.ZodType<unknown>> = {
    values: z
      .array(value, { error: () => 'must be a list' })
      .min(1, { error: () => 'must have at least one value' })
      .meta({ description: 'What is chosen from.' }),
    upper: wholeNumber({ min: 1 }).meta({ description: 'One more than the greatest whole number that is drawn.' }),
    min_value: number({}).meta({ description: `Least value${exponent}.` }),
    max_value: number({}).meta({ description: `Greatest value${exponent}.` }),
    mu: number({}).meta({ description: `Mean${ofLogarithm}.` }),
    sigma: number({ min: 0 }).meta({ description: `Standard deviation${ofLogarithm}.` }),
    q: step.meta({ description: 'Step: what is drawn is rounded to a multiple of it.' }),
  };
  const shape = Object.fromEntries(distributionKeys[type].map((key) => [key, fields[key] as z.ZodType<unknown>]));
  return section({ type: z.literal(type).meta({ description: 'The distribution.' }), ...shape });
}

export interface BoundsProblem {
  readonly key: 'min_value' | 'max_value' | 'upper';
  readonly message: string;
  readonly hint?: string;
}

/** What is wrong with a distribution's bounds: in the wrong order, or outside of what the hyperparameter may be. */
export function boundsProblem(distribution: Distribution, range: Range, named: string): BoundsProblem | undefined {
  if (distribution.type === 'randint') {
    const top = distribution.upper - 1;
    return exceeds(top, range) ? { key: 'upper', message: `draws up to ${top}, but ${named}` } : undefined;
  }
  if (!('min_value' in distribution)) return undefined;
  const { type, min_value: min, max_value: max } = distribution;
  if (min > max) return undefined;
  const logarithmic = type === 'loguniform' || type === 'qloguniform';
  const [low, high] = logarithmic ? [Math.exp(min), Math.exp(max)] : [min, max];
  const hint =
    logarithmic && min > 0
      ? `bounds of ${type} are exponents: for values from ${min} to ${max} write min_value: ${round(Math.log(min))}, max_value: ${round(Math.log(max))}`
      : undefined;
  // A logarithmic draw below the range is brought back into it, as one of a normal distribution is.
  if (!logarithmic && isBelow(low, range)) return { key: 'min_value', message: `${low} is too low: ${named}` };
  if (!exceeds(high, range)) return undefined;
  const drawn = logarithmic ? `draws up to exp(${max}) = ${round(high)}` : `${high} is too high`;
  return { key: 'max_value', message: `${drawn}: ${named}`, ...(hint === undefined ? {} : { hint }) };
}

const exceeds = (value: number, { max = Number.POSITIVE_INFINITY, below = Number.POSITIVE_INFINITY }: Range) =>
  value > max || (value >= below && below !== Number.POSITIVE_INFINITY);

const isBelow = (value: number, { min = Number.NEGATIVE_INFINITY, above = Number.NEGATIVE_INFINITY }: Range) =>
  value < min || (value <= above && above !== Number.NEGATIVE_INFINITY);

const round = (value: number) => Number(value.toPrecision(4));
