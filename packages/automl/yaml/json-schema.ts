import { z } from 'zod';
import { squash } from './value-schema.ts';

/** A part of a JSON Schema. */
export type JsonSchema = { [key: string]: unknown };

/** A zod schema as JSON Schema of what it takes, its readers of other spellings included. */
export function converted(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    ...{ io: 'input', unrepresentable: 'any' },
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      const said = z.globalRegistry.get(zodSchema)?.default;
      if (said !== undefined) jsonSchema.default = said as never;
      if (def.type === 'default') jsonSchema.default = (def as z.core.$ZodDefaultDef).defaultValue;
      if (def.type === 'union' && jsonSchema.oneOf) {
        // Of the alternatives one is right at most: to find that out again makes an editor's report no clearer.
        jsonSchema.anyOf = jsonSchema.oneOf;
        delete jsonSchema.oneOf;
      }
      const reader = readerOf(zodSchema);
      if (reader === null) return;
      const lenient = withReader(jsonSchema as JsonSchema, reader);
      for (const key of Object.keys(jsonSchema)) delete (jsonSchema as JsonSchema)[key];
      Object.assign(jsonSchema, lenient);
    },
  });
  return json;
}

/** What a reader stands before, null where there is none: words of unions are read before the whole job is checked. */
function readerOf({ _zod: { def } }: z.core.$ZodType): string | null {
  if (def.type === 'literal') return 'enum';
  if (def.type !== 'pipe') return null;
  const { in: before, out } = def as z.core.$ZodPipeDef;
  return before._zod.def.type === 'transform' ? out._zod.def.type : null;
}

/** What a value is read from, before it is checked: `value-schema.ts` has the readers. */
function withReader(schema: JsonSchema, kind: string): JsonSchema {
  const annotations = ['description', 'deprecated', 'default'];
  const [words, value] = [true, false].map((isWord) =>
    Object.fromEntries(Object.entries(schema).filter(([key]) => annotations.includes(key) === isWord)),
  );
  switch (kind) {
    case 'number': {
      const bounds = Object.entries(value).filter(([, bound]) => Math.abs(Number(bound)) !== Number.MAX_SAFE_INTEGER);
      const text = { type: 'string', pattern: '^\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?\\s*$' };
      return { ...words, anyOf: [Object.fromEntries(bounds), text] };
    }
    case 'boolean': {
      const text = { type: 'string', pattern: `^\\s*(${truthWords.map(anyCase).join('|')})\\s*$` };
      return { ...words, anyOf: [{ type: 'boolean' }, { enum: [0, 1] }, text] };
    }
    case 'enum':
      return { ...words, ...asSpelled(value) };
    case 'string':
      // The values of tags and the like.
      return { ...words, type: ['string', 'number', 'boolean'] };
    case 'object':
      return {
        ...words,
        type: 'string',
        pattern: '^\\s*\\{',
        contentMediaType: 'application/json',
        contentSchema: value,
      };
    default:
      throw new Error(`files have no reader for ${kind}`);
  }
}

const truthWords = ['1', 'true', 'yes', 'on', 't', 'y', '0', 'false', 'no', 'off', 'f', 'n'];

/** Words that are offered as they are listed, and taken in the other spellings that count as the same. */
function asSpelled({ type: _, enum: many, const: one, ...rest }: JsonSchema): JsonSchema {
  const values = (many ?? [one]) as string[];
  return { ...rest, type: 'string', anyOf: [{ enum: values }, { pattern: spelling(values) }] };
}

/** Case, `_`, `-` and blanks do not count in a word, as `squash` has it. */
export const spelling = (words: readonly string[]): string => `^(${words.map(spelled).join('|')})$`;
export const spelled = (word: string): string =>
  `[_\\-\\s]*${[...squash(word)].map((c) => `${anyCase(c)}[_\\-\\s]*`).join('')}`;
const anyCase = (word: string): string =>
  [...word].map((c) => (c.toUpperCase() === c ? c : `[${c}${c.toUpperCase()}]`)).join('');

/** A schema, or another one beside what it takes. */
export const either = ({ anyOf, ...schema }: JsonSchema, other: JsonSchema): JsonSchema =>
  anyOf === undefined ? { anyOf: [schema, other] } : { ...schema, anyOf: [...(anyOf as JsonSchema[]), other] };
