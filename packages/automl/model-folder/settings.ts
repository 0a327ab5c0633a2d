import { type InferenceSettings, type LoaderMetadata, MLFLOW_TASKS } from './layout.ts';
import { ModelFolderError } from './model-folder-error.ts';

const LARGEST_SIZE = 8192;

/** Each key that may be changed, and what it may be. */
const RULES: Record<keyof InferenceSettings, (value: unknown) => string | null> = {
  valid_resize_size: pixels,
  valid_crop_size: pixels,
};

/** Keys that say which model this is: they are there to be read. */
const FIXED = {
  model_name: (metadata: LoaderMetadata) => metadata.model_name,
  task_type: (metadata: LoaderMetadata) => MLFLOW_TASKS[metadata.task],
};

/**
 * The settings in force: those of training, and over them what stands in `settings.json`. All that is wrong with it is said at once.
 *
 * @param edited the parsed `settings.json`
 * @throws ModelFolderError for unknown keys, values out of range and changes of what cannot be changed
 */
export function readSettings(edited: unknown, metadata: LoaderMetadata, file: string): InferenceSettings {
  if (typeof edited !== 'object' || edited === null || Array.isArray(edited)) {
    throw invalid(file, ['it should be a JSON object']);
  }
  const problems: string[] = [];
  for (const [key, value] of Object.entries(edited)) {
    if (Object.hasOwn(FIXED, key)) {
      const fixed = FIXED[key as keyof typeof FIXED](metadata);
      if (value !== fixed) problems.push(`${key} cannot be changed: the weights are those of ${JSON.stringify(fixed)}`);
    } else if (!Object.hasOwn(RULES, key)) {
      problems.push(`${JSON.stringify(key)} is not a setting`);
    }
  }
  const inForce: Record<string, unknown> = { ...metadata.settings, ...edited };
  for (const [key, rule] of Object.entries(RULES)) {
    const problem = rule(inForce[key]);
    if (problem) problems.push(`${key} is ${JSON.stringify(inForce[key])} and ${problem}`);
  }
  if (problems.length > 0) throw invalid(file, problems);
  return Object.fromEntries(Object.keys(RULES).map((key) => [key, inForce[key]])) as unknown as InferenceSettings;
}

function pixels(value: unknown): string | null {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LARGEST_SIZE) return null;
  return `should be a whole number of pixels, 1 … ${LARGEST_SIZE}`;
}

function invalid(file: string, problems: readonly string[]): ModelFolderError {
  const keys = Object.keys(RULES).join(', ');
  return new ModelFolderError({
    code: 'invalid-settings',
    file,
    message: problems.join('; '),
    hint: `Settings that can be changed are ${keys}`,
  });
}
