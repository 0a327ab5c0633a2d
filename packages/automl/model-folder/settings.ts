import { type InferenceSettings, type LoaderMetadata, MLFLOW_TASKS } from './layout.ts';
import { ModelFolderError } from './model-folder-error.ts';

export const LARGEST_SIZE = 8192;

/** What is wrong with a value, in words that follow it; null: nothing. */
export type SettingRule = (value: unknown) => string | null;

/** Each key that may be changed, and what it may be. */
const RULES: Record<keyof InferenceSettings, SettingRule> = {
  valid_resize_size: pixels,
  valid_crop_size: pixels,
};

/**
 * The settings in force: those of training, and over them what stands in `settings.json`. All that is wrong with it is said at once.
 *
 * @param edited the parsed `settings.json`
 * @throws ModelFolderError for unknown keys, values out of range and changes of what cannot be changed
 */
export function readSettings(edited: unknown, metadata: LoaderMetadata, file: string): InferenceSettings {
  return mergeSettings(edited, metadata, { rules: RULES, fixed: {}, file }) as unknown as InferenceSettings;
}

/**
 * @param fixed keys beside the model's name and task that are there to be read, with their values
 * @throws ModelFolderError as above
 */
export function mergeSettings(
  edited: unknown,
  metadata: LoaderMetadata,
  {
    rules,
    fixed,
    file,
  }: { rules: Readonly<Record<string, SettingRule>>; fixed: Readonly<Record<string, unknown>>; file: string },
): Record<string, unknown> {
  const changeable = Object.keys(rules);
  if (typeof edited !== 'object' || edited === null || Array.isArray(edited)) {
    throw invalid(file, ['it should be a JSON object'], changeable);
  }
  const readOnly: Record<string, unknown> = {
    ...{ model_name: metadata.model_name, task_type: MLFLOW_TASKS[metadata.task] },
    ...fixed,
  };
  const problems: string[] = [];
  for (const [key, value] of Object.entries(edited)) {
    if (Object.hasOwn(readOnly, key)) {
      if (value !== readOnly[key])
        problems.push(`${key} cannot be changed: the weights are those of ${JSON.stringify(readOnly[key])}`);
    } else if (!Object.hasOwn(rules, key)) {
      problems.push(`${JSON.stringify(key)} is not a setting`);
    }
  }
  const inForce: Record<string, unknown> = { ...metadata.settings, ...edited };
  for (const [key, rule] of Object.entries(rules)) {
    const problem = rule(inForce[key]);
    if (problem) problems.push(`${key} is ${JSON.stringify(inForce[key])} and ${problem}`);
  }
  if (problems.length > 0) throw invalid(file, problems, changeable);
  return Object.fromEntries(changeable.map((key) => [key, inForce[key]]));
}

function pixels(value: unknown): string | null {
  return wholeNumber(value, 'of pixels', LARGEST_SIZE);
}

/** @param of what is counted, e.g. `of pixels` */
export function wholeNumber(value: unknown, of: string, most: number): string | null {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return null;
  return `should be a whole number ${of}, 1 … ${most}`;
}

function invalid(file: string, problems: readonly string[], changeable: readonly string[]): ModelFolderError {
  return new ModelFolderError({
    code: 'invalid-settings',
    file,
    message: problems.join('; '),
    hint: `Settings that can be changed are ${changeable.join(', ')}`,
  });
}
