import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelFolderError, readModelFolder } from '@fovea/automl/model-folder';
import { parseDocument } from 'yaml';
import { invalid } from '../refusal.ts';

export const modelTypes = ['custom_model', 'mlflow_model', 'triton_model'] as const;
export type ModelType = (typeof modelTypes)[number];

/** What is known of an MLflow model, as REST has it: texts by key for each flavor. */
export type Flavors = Record<string, { data: Record<string, string> }>;

/** What a folder says of the model in it. */
export interface DescribedModel {
  readonly flavors: Flavors;
  /** Of a model that Fovea trained. */
  readonly task: string | null;
  readonly modelName: string | null;
}

const mostBytes = 1 << 20;

/**
 * Looks at the files of a model before it is registered. What Fovea trained is read as a deployment would: a folder that cannot be served
 * is refused now, and not when it is deployed. Nothing in it is executed.
 *
 * @throws Refusal when the files are not a model of this type
 */
export async function describeModel(path: string, type: ModelType): Promise<DescribedModel> {
  if (type !== 'mlflow_model') return { flavors: {}, task: null, modelName: null };
  const file = join(path, 'MLmodel');
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw invalid(
      `${path} is no mlflow_model: it has no file MLmodel; register it with type custom_model, or give the folder outputs/mlflow-model of a trial`,
      'path',
    );
  }
  if (found.size > mostBytes)
    throw invalid(`${file} has ${found.size} bytes, too many for what it should hold`, 'path');
  const flavors = flavorsOf(await readFile(file, 'utf8'), file);
  if ((await stat(join(path, 'fovea.json')).catch(() => null)) === null)
    return { flavors, task: null, modelName: null };
  try {
    const { task, modelName } = await readModelFolder(path, { checkWeights: true });
    return { flavors, task, modelName };
  } catch (error) {
    // By name: errors of the graph's reader have no class that is shared.
    const known = error instanceof ModelFolderError || (error instanceof Error && error.name === 'OnnxError');
    if (!known) throw error;
    throw invalid(`${path} is a model folder that cannot be used: ${(error as Error).message}`, 'path');
  }
}

function flavorsOf(text: string, file: string): Flavors {
  let value: unknown;
  try {
    const document = parseDocument(text, { logLevel: 'error' });
    value = document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 100 });
  } catch {
    // Nested without end, or aliases of aliases.
    value = null;
  }
  if (!isMap(value)) throw invalid(`${file} is not YAML that can be read`, 'path');
  const { flavors } = value;
  if (!isMap(flavors)) return {};
  return Object.fromEntries(
    Object.entries(flavors).map(([name, facts]) => [
      name,
      { data: Object.fromEntries(Object.entries(isMap(facts) ? facts : {}).map(([key, fact]) => [key, textOf(fact)])) },
    ]),
  );
}

const textOf = (fact: unknown): string => (typeof fact === 'object' ? JSON.stringify(fact) : String(fact));

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
