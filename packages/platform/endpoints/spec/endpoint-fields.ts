import { oneOf, type Problem, section, show, text, textMap, trueOrFalse } from '@fovea/automl/yaml';
import { z } from 'zod';
import { Refusal } from '../../refusal.ts';
import { parseAssetReference } from '../../registry/asset-reference.ts';
import { modelTypes } from '../../registry/model-kind.ts';
import type { InlineModel } from '../online/online-spec.ts';

// What files of endpoints and of deployments have in common. A message says what would be right; the report puts the key before it.

const nameRule = /^(?=.{3,32}$)[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*$/;
const nameInWords = '3 to 32 letters, digits and single dashes between them, the first of them a letter';

/** Whether a text can be the name of an endpoint or of a deployment. */
export const isEndpointName = (name: string): boolean => nameRule.test(name);

const name = () => {
  const error = () => `must be ${nameInWords}`;
  return z.string({ error }).regex(nameRule, { error });
};

/** What every file may begin with. */
export const commonFields = (thing: string) => ({
  $schema: z
    .string({ error: () => 'must be text' })
    .meta({ description: 'Address of a schema, for editors.' })
    .optional(),
  name: name().meta({ description: `Name of the ${thing}: ${nameInWords}.` }),
  description: text()
    .meta({ description: `What the ${thing} is for.` })
    .optional(),
  tags: textMap()
    .meta({ description: `Words to find the ${thing} by.` })
    .default({}),
  properties: textMap()
    .meta({ description: `Further properties of the ${thing}.` })
    .default({}),
});

export const endpointName = () => name().meta({ description: 'The endpoint that it belongs to.' });
export const deploymentName = () => name().meta({ description: 'Name of a deployment.' });

/** A version as YAML has it: 1 is the text 1. */
const version = () =>
  z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    z.string({ error: () => 'must be text' }).min(1, { error: () => 'must be text' }),
  );

/** A registered model, or one that is to be registered. */
export const modelField = () =>
  z
    .union(
      [
        text(),
        section({
          name: text().meta({ description: 'Name that it is registered under; made up when left out.' }).optional(),
          version: version().meta({ description: 'Its version; the next whole number when left out.' }).optional(),
          path: text().meta({ description: 'Folder of the model, beside this file; or azureml://jobs/… of a trial.' }),
          type: oneOf(modelTypes).meta({ description: 'Kind of files.' }).default('custom_model'),
        }),
      ],
      { error: () => 'must be azureml:<name>:<version>, azureml:<name>@latest, or a map with path and type' },
    )
    .meta({
      description: 'What is served: azureml:<name>:<version>, azureml:<name>@latest, or a map of a model to register.',
    });

/** Of an id as REST has it. */
const longestReference = 2000;

type GivenModel = z.output<ReturnType<typeof modelField>>;

/** What cannot be served, as far as the file alone tells. */
export function modelProblems(model: GivenModel | undefined): Problem[] {
  if (model === undefined) return [];
  if (typeof model !== 'string') {
    if (model.type !== 'triton_model') return [];
    const hint = 'Fovea serves model folders: mlflow_model, or custom_model';
    return [{ code: 'unsupported', path: ['model', 'type'], message: 'models for Triton are not served', hint }];
  }
  const at = { path: ['model'] } as const;
  const asMap = 'model: {path: …, type: mlflow_model}';
  if (/^azureml:\/\/registries\//i.test(model)) {
    const hint = `download its folder, and name it: ${asMap}`;
    return [{ ...at, code: 'unsupported', message: 'models of registries in Azure cannot be fetched', hint }];
  }
  const tooLong = model.length > longestReference;
  try {
    if (!tooLong && parseAssetReference(model) !== null) return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [{ ...at, code: 'wrong-value', message: error.message }];
  }
  const message = `model must be azureml:<name>:<version> or azureml:<name>@latest, not ${show(model)}`;
  return [{ ...at, code: 'wrong-value', message, hint: `a folder is named in a map: ${asMap}` }];
}

export const modelOf = (model: GivenModel): string | InlineModel =>
  typeof model === 'string'
    ? model
    : { name: model.name ?? null, version: model.version ?? null, path: model.path, type: model.type };

export const environmentField = () =>
  z
    .union([text(), z.record(z.string(), z.unknown())], { error: () => 'must be text, or a map of an environment' })
    .meta({ description: 'In Azure what the model runs in; no effect here.' })
    .optional();

export const environmentVariables = () =>
  textMap().meta({ description: 'In Azure variables of the scoring script; no effect here.' });

export const accessField = (description: string) =>
  oneOf(['enabled', 'disabled']).meta({ description }).default('enabled');

export const flag = (description: string) => trueOrFalse().meta({ description });

/** Something that a file may say, and that makes no difference here. */
export const noEffect = (path: Problem['path'], why: string, hint?: string): Problem => ({
  code: 'no-effect',
  severity: 'warning',
  path,
  on: 'key',
  message: `${path.at(-1)} has no effect here: ${why}`,
  ...(hint !== undefined && { hint }),
});

/**
 * Variables that nothing reads.
 * @param why what to do instead of setting one
 */
export const idleVariables = (
  path: Problem['path'],
  variables: Readonly<Record<string, string>>,
  why: Readonly<Record<string, string>> = {},
): Problem[] =>
  Object.keys(variables).map((variable) =>
    noEffect(
      [...path, variable],
      'no program of yours is run',
      Object.hasOwn(why, variable) ? why[variable] : undefined,
    ),
  );

/** What Azure would run to score, which is refused whatever it says. */
export const scoringScript = (raw: Record<string, unknown>): Problem[] =>
  Object.hasOwn(raw, 'code_configuration')
    ? [
        {
          ...{ code: 'unsupported', path: ['code_configuration'], on: 'key' },
          message: 'scoring scripts are not run',
          hint: 'Fovea serves model folders, which need none: take code_configuration out',
        },
      ]
    : [];
