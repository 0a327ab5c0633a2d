import { didYouMean, type Issue, IssuesError } from '@fovea/data';
import { findModel, type HyperparameterValues, isModelName } from '@fovea/vision';
import type { Assignment } from '../search/space.ts';
import { inRange } from '../yaml/value-schema.ts';
import type { AdvancedSettings, Definition, ResolvedValue } from './hyperparameter-definition.ts';
import { rules } from './hyperparameter-rules.ts';
import { valueSchema } from './hyperparameter-schema.ts';
import { definitionOf, type HyperparameterName, hyperparameters } from './hyperparameters.ts';
import type { GivenHyperparameters, ImageJob } from './job.ts';
import { defaultModels, modelNames, type Task } from './tasks.ts';

type Table = typeof hyperparameters;
type NameFor<T extends Task> = {
  [Name in HyperparameterName]: T extends Table[Name]['tasks'][number] ? Name : never;
}[HyperparameterName];
type ModelSpecific = {
  [Name in HyperparameterName]: Table[Name] extends { models: unknown } ? Name : never;
}[HyperparameterName];

/**
 * Every hyperparameter of a task for one trial; null where nothing was given and there is no default. Those that only
 * some models have are left out for the others.
 */
export type Hyperparameters<T extends Task = 'image_classification'> = { model_name: string } & {
  [Name in Exclude<NameFor<T>, ModelSpecific>]: ResolvedValue<Table[Name]>;
} & { [Name in NameFor<T> & ModelSpecific]?: ResolvedValue<Table[Name]> };

/** What a hyperparameter is for a task and a model when a job does not give it. */
export function defaultOf<Name extends HyperparameterName>(
  name: Name,
  task: Task,
  model: string,
): ResolvedValue<Table[Name]> {
  const own = ownDefaults(task, model);
  if (Object.hasOwn(own, name)) return own[name] as ResolvedValue<Table[Name]>;
  const { default: general, exceptions = [] }: Definition = hyperparameters[name];
  const exception = exceptions.findLast(
    ({ tasks, models }) => (tasks?.includes(task) ?? true) && (models?.includes(model) ?? true),
  );
  return (exception === undefined ? general : exception.value) as ResolvedValue<Table[Name]>;
}

/** What a classifier's entry in the registry says that it is trained with. */
function ownDefaults(task: Task, model: string): HyperparameterValues {
  if (!isModelName(model)) return {};
  const { defaults, multilabelDefaults } = findModel(model);
  return task === 'image_classification_multilabel' ? { ...defaults, ...multilabelDefaults } : defaults;
}

/** The hyperparameters that have an effect on a model of a task. */
export function applicableNames(task: Task, model: string): HyperparameterName[] {
  return (Object.keys(hyperparameters) as HyperparameterName[]).filter((name) => {
    const { tasks, models }: Definition = hyperparameters[name];
    return tasks.includes(task) && (models?.includes(model) ?? true);
  });
}

/**
 * The complete hyperparameters of a trial: what is given, checked, and the defaults of the task and the model for the rest.
 *
 * @param given names of job files; what has no effect on the model is dropped
 * @throws IssuesError with every unknown name, wrong type, value out of range and broken rule
 */
export function resolveHyperparameters<T extends Task>(
  task: T,
  model: string,
  given: GivenHyperparameters | Assignment,
): Hyperparameters<T> {
  const issues: Issue[] = [];
  const report = (path: string, message: string, hint?: string) =>
    issues.push({
      code: 'hyperparameter',
      severity: 'error',
      file: 'hyperparameters',
      path: [path],
      message,
      ...(hint && { hint }),
    });

  const models: readonly string[] = modelNames[task];
  if (!models.includes(model))
    report('model_name', `${task} has no model ${JSON.stringify(model)}`, `it has ${models.join(', ')}`);
  const names = applicableNames(task, model);
  const resolved: Record<string, unknown> = { model_name: model };
  for (const name of names) resolved[name] = defaultOf(name, task, model);

  for (const [name, value] of Object.entries(given)) {
    if (name === 'model_name' || value === undefined) continue;
    const definition = definitionOf(name);
    if (definition === undefined || !definition.tasks.includes(task)) {
      report(name, `${task} has no hyperparameter ${name}`, didYouMean(name, names));
      continue;
    }
    // JSON in text is how job files write it; here it has been read already.
    const raw = definition.kind === 'advanced_settings' && typeof value === 'object' ? JSON.stringify(value) : value;
    const checked = valueSchema(definition).safeParse(raw);
    if (!checked.success) report(name, `${name} ${checked.error.issues[0]?.message}, not ${JSON.stringify(value)}`);
    else if (name in resolved) {
      const merged = definition.kind === 'advanced_settings';
      resolved[name] = merged
        ? { ...definition.default, ...(checked.data as Partial<AdvancedSettings>) }
        : checked.data;
    }
  }
  if (issues.length === 0) {
    for (const { involves, concerns, broken, hint } of rules) {
      if (!concerns(model) || !involves.every((name) => name in resolved)) continue;
      const message = broken(model, ...involves.map((name) => resolved[name]));
      if (message !== undefined) report(involves[0], message, hint(model));
    }
  }
  if (issues.length > 0) throw new IssuesError(issues);
  return resolved as Hyperparameters<T>;
}

/**
 * The hyperparameters of one trial of a job: the job's fixed ones, over them what was drawn for the trial, and defaults.
 * A draw that leaves the documented range of a hyperparameter (a normal distribution can) is brought back to its end.
 *
 * @param drawn a sample of the job's search space; nothing for a job without one
 * @throws IssuesError when the values do not fit together, as a draw can turn out
 */
export function trialHyperparameters<T extends Task>(
  job: Pick<ImageJob, 'training_parameters'> & { task: T },
  drawn: Assignment = {},
): Hyperparameters<T> {
  const clipped = Object.fromEntries(Object.entries(drawn).map(([name, value]) => [name, clip(name, value)]));
  const given = { ...job.training_parameters, ...clipped };
  return resolveHyperparameters(job.task, String(given.model_name ?? defaultModels[job.task]), given);
}

function clip(name: string, value: Assignment[string]): Assignment[string] {
  const definition = definitionOf(name);
  if (definition === undefined || !('range' in definition) || typeof value !== 'number') return value;
  const { range } = definition;
  if (inRange(value, range)) return value;
  const low = range.min ?? (range.above === undefined ? Number.NEGATIVE_INFINITY : range.above + Number.EPSILON);
  const high = range.max ?? (range.below === undefined ? Number.POSITIVE_INFINITY : range.below - Number.EPSILON);
  return Math.min(Math.max(value, low), high);
}
