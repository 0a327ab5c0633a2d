/** What a libtorch operator schema says beyond the names of its parameters: defaults, aliases and what is written to. */

export interface SchemaParameter {
  name: string;
  /** The value when the argument is left out; `undefined` when it may not be. */
  default: unknown;
  /** The letter of its memory, as in `Tensor(a) self`. */
  alias: string | null;
  /** Written to, as in `Tensor(a!) self`. */
  mutated: boolean;
}

export interface Schema {
  parameters: SchemaParameter[];
  /** For each return, the letter of the argument whose memory it shares, if any. */
  returns: (string | null)[];
}

const known = new Map<string, Schema>();

/** @param schema e.g. `aten::relu_(Tensor(a!) self) -> Tensor(a!)` */
export function parseSchema(schema: string): Schema {
  let parsed = known.get(schema);
  if (!parsed) {
    const arrow = schema.lastIndexOf(' -> ');
    const returns = schema.slice(arrow + 4);
    parsed = {
      parameters: splitList(schema.slice(schema.indexOf('(') + 1, arrow - 1))
        .filter((part) => part !== '*')
        .map(parameter),
      returns: splitList(returns.startsWith('(') ? returns.slice(1, -1) : returns).map((part) => aliasOf(part).alias),
    };
    known.set(schema, parsed);
  }
  return parsed;
}

/** Splits at the commas that stand outside of brackets and quotes. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (quoted) continue;
    else if ('(['.includes(text[i])) depth++;
    else if (')]'.includes(text[i])) depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  const last = text.slice(start).trim();
  return last ? [...parts, last] : parts;
}

function parameter(text: string): SchemaParameter {
  const match = /^(.+?) (\w+)(?:=(.*))?$/.exec(text);
  if (!match) throw new SyntaxError(`not a schema parameter: ${text}`);
  const [, type, name, value] = match;
  return { name, default: value === undefined ? undefined : literal(value), ...aliasOf(type) };
}

function aliasOf(type: string): { alias: string | null; mutated: boolean } {
  const match = /\((\w)(!?)/.exec(type);
  return { alias: match?.[1] ?? null, mutated: match?.[2] === '!' };
}

function literal(text: string): unknown {
  if (text === 'None') return null;
  if (text === 'True' || text === 'False') return text === 'True';
  if (text.startsWith('[')) return splitList(text.slice(1, -1)).map(literal);
  if (/^["']/.test(text)) return text.slice(1, -1);
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
