/** A value of a search space in a job: fixed, or a distribution. */
type SpaceValue = string | number | boolean | Readonly<Record<string, unknown>>;

/** Order of a distribution's values in its function form. */
const argumentNames = ['upper', 'min_value', 'max_value', 'mu', 'sigma', 'q'] as const;

/** A value of a search space as REST writes it: `choice('sgd','adam')`, `uniform(0.001,0.01)`, `True`. */
export function expressionOf(value: SpaceValue): string {
  if (typeof value !== 'object') return scalar(value, false);
  const { type, values, ...others } = value;
  const args = Array.isArray(values)
    ? values.map((one) => scalar(one, true))
    : argumentNames.filter((name) => others[name] !== undefined).map((name) => scalar(others[name], true));
  return `${type}(${args.join(',')})`;
}

function scalar(value: unknown, quoted: boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return plainDecimal(value);
  if (!quoted) return String(value);
  const quote = String(value).includes("'") ? '"' : "'";
  return quote + value + quote;
}

/** A number without an exponent: readers of this form know none. */
function plainDecimal(value: number): string {
  const [mantissa, exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const [, sign, whole, fraction = ''] = /^(-?)(\d)(?:\.(\d+))?$/.exec(mantissa) as unknown as string[];
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}
