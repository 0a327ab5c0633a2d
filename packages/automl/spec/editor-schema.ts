import { converted, either, type JsonSchema, spelled, spelling } from '../yaml/json-schema.ts';
import { acceptedDistributions, spaceValueSchema } from './distribution-schema.ts';
import { distributionTypes } from './expression.ts';
import type { Definition } from './hyperparameter-definition.ts';
import { valueSchema } from './hyperparameter-schema.ts';
import { definitionOf, type HyperparameterName } from './hyperparameters.ts';
import { jobSchema } from './job.ts';
import { defaultOf } from './resolve-hyperparameters.ts';
import { modelNames, type Task, tasks } from './tasks.ts';

/**
 * The JSON Schema (draft 2020-12) of image job files, for editors: made from the schema that checks them, with what its readers take
 * besides (other spellings of words, numbers in quotes, `uniform(0.001, 0.01)`). It accepts every file that `parseJob` accepts, and
 * refuses what is wrong in a single place; what depends on several keys, as the sizes that a model takes, it does not know.
 */
export function editorSchema(): JsonSchema {
  const $defs: Record<string, JsonSchema> = {};
  const common = converted(jobSchema(undefined));
  const properties = { ...(common.properties as Record<string, JsonSchema>) };
  const parts = tasks.map((task) => partsOf(task, $defs));
  for (const key of perTask) {
    // Which of the tasks is meant is said below; an editor that does not look there still knows what the key means.
    properties[key] = { description: properties[key].description };
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Image job of Fovea and of Azure ML AutoML',
    ...{ type: 'object', properties, required: common.required, additionalProperties: false },
    dependentRequired: { search_space: ['sweep'], sweep: ['search_space'] },
    allOf: [
      ...tasks.map((task, i) => ({
        if: { properties: { task: { type: 'string', pattern: spelling([task]) } }, required: ['task'] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { properties: parts[i] },
      })),
      gridRule(),
    ],
    $defs,
  };
}

/** The keys whose schema depends on the task. */
const perTask = ['primary_metric', 'training_parameters', 'search_space'] as const;

/** What the tasks have to themselves. Hyperparameters go to `$defs`, because most tasks share them. */
function partsOf(task: Task, $defs: Record<string, JsonSchema>): Record<(typeof perTask)[number], JsonSchema> {
  const whole = converted(jobSchema(task)).properties as Record<string, JsonSchema>;
  const { training_parameters, search_space } = whole;
  const space = search_space.items as JsonSchema;
  const named = (section: JsonSchema, kind: 'value' | 'space') => {
    const entries = Object.entries(section.properties as Record<string, JsonSchema>).map(([name, schema]) => {
      const definition = definitionOf(name);
      if (definition === undefined)
        return [name, kind === 'value' ? schema : withExpressions(schema, modelKind, $defs)];
      const place = kind === 'value' ? name : `${name} in search_space`;
      $defs[place] ??= kind === 'value' ? fixedValue(definition) : spaceValue(definition, $defs);
      return [name, { ...reference(place), ...defaultWords(name as HyperparameterName, task) }];
    });
    return { ...section, properties: Object.fromEntries(entries) };
  };
  return {
    primary_metric: whole.primary_metric,
    training_parameters: named(training_parameters, 'value'),
    search_space: { ...search_space, items: named(space, 'space') },
  };
}

/** What of a definition decides how its values are written. */
type Kind = Pick<Definition, 'kind'> & { readonly auto?: true; readonly aliases?: Readonly<Record<string, string>> };
const modelKind: Kind = { kind: 'enum' };

const fixedValue = (definition: Definition): JsonSchema => ({
  ...readable(converted(valueSchema(plain(definition))), definition),
  description: definition.doc,
});

const spaceValue = (definition: Definition, $defs: Record<string, JsonSchema>): JsonSchema => ({
  ...withExpressions(converted(spaceValueSchema(plain(definition))), definition, $defs),
  description: definition.doc,
});

/** Without the word `auto`, which its schema takes in code that no schema tells. */
function plain(definition: Definition): Definition {
  if (!('auto' in definition)) return definition;
  const { auto: _, ...rest } = definition;
  return rest;
}

/** A value of a search space: fixed, a distribution, or one in the function form. */
function withExpressions(schema: JsonSchema, definition: Kind, $defs: Record<string, JsonSchema>): JsonSchema {
  const [fixed, distributions] = schema.anyOf as [JsonSchema, JsonSchema];
  const types = acceptedDistributions(definition as Definition);
  const call = { type: 'string', pattern: `^\\s*(${types.map(spelled).join('|')})\\s*\\(` };
  const maps = (distributions.anyOf as JsonSchema[]).map((one, i) => {
    if (types[i] === 'choice') return withChoices(one, definition);
    // The others depend on nothing but the kind of number.
    const place = `${types[i]} of ${definition.kind}`;
    $defs[place] ??= one;
    return reference(place);
  });
  return { description: schema.description, anyOf: [readable(fixed, definition), ...maps, call] };
}

/** The values of a `choice` are written as fixed ones are. */
function withChoices(distribution: JsonSchema, definition: Kind): JsonSchema {
  const { values, ...others } = distribution.properties as Record<string, JsonSchema>;
  const items = readable(values.items as JsonSchema, definition);
  return { ...distribution, properties: { ...others, values: { ...values, items } } };
}

const reference = (place: string): JsonSchema => ({ $ref: `#/$defs/${encodeURIComponent(place)}` });

/** What is true of a kind of hyperparameter beyond its schema: further words, the form of a grid, JSON in text. */
function readable(schema: JsonSchema, { kind, auto, aliases }: Kind): JsonSchema {
  if (auto) return either(schema, { const: 'auto' });
  if (kind === 'grid')
    return { ...schema, pattern: '^(?!1x1$)(?:[1-9]\\d*x[1-9]\\d*|\\( *[1-9]\\d* *, *[1-9]\\d* *\\))$' };
  if (aliases) return either(schema, { type: 'string', pattern: spelling(Object.keys(aliases)) });
  return schema;
}

/** The default of a task, and in words those of models that have others. */
function defaultWords(name: HyperparameterName, task: Task): JsonSchema {
  const models: readonly string[] = definitionOf(name)?.models ?? modelNames[task];
  const byValue = new Map<string, string[]>();
  for (const model of models) {
    if (!modelNames[task].includes(model as never)) continue;
    const value = JSON.stringify(defaultOf(name, task, model));
    byValue.set(value, [...(byValue.get(value) ?? []), model]);
  }
  const [[usual = 'null'] = [], ...others] = [...byValue].sort((a, b) => b[1].length - a[1].length);
  if (usual === 'null') return {};
  const isText = definitionOf(name)?.kind === 'advanced_settings';
  const said = { default: isText ? usual : JSON.parse(usual) };
  if (others.length === 0) return said;
  const words = others.map(([value, of]) => `${value} for ${of.join(', ')}`).join('; ');
  return { ...said, description: `${definitionOf(name)?.doc} When left out: ${usual}; ${words}.` };
}

/** A grid cannot enumerate ranges. */
function gridRule(): JsonSchema {
  const isGrid = { type: 'string', pattern: spelling(['grid']) };
  const ofRange = spelling(distributionTypes.filter((type) => type !== 'choice'));
  const isRange = {
    anyOf: [
      { type: 'object', properties: { type: { type: 'string', pattern: ofRange } }, required: ['type'] },
      { type: 'string', pattern: `${ofRange.slice(0, -1)}\\s*\\(` },
    ],
  };
  const sampling = { anyOf: [isGrid, { type: 'object', properties: { type: isGrid }, required: ['type'] }] };
  return {
    if: {
      properties: { sweep: { properties: { sampling_algorithm: sampling }, required: ['sampling_algorithm'] } },
      required: ['sweep'],
    },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { search_space: { items: { additionalProperties: { not: isRange } } } } },
  };
}
