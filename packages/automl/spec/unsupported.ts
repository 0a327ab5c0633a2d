import type { Issue } from '@fovea/data';
import { isDistribution } from '../search/space.ts';
import { issueAt, type Problem } from '../yaml/problem.ts';
import { alternatives } from '../yaml/value-schema.ts';
import type { Path, YamlSource } from '../yaml/yaml-source.ts';
import { type ImageJob, jobMode } from './job.ts';
import { runnableModels } from './runnable-models.ts';
import { defaultModels, isClassification, type Task } from './tasks.ts';

/**
 * What this release can not run of a valid job (errors), and what it runs otherwise than Azure would (warnings), at their
 * places in the job file.
 *
 * @param runnable names of the models that can be trained
 */
export function unsupportedReasons(
  job: ImageJob,
  source: YamlSource,
  runnable: readonly string[] = runnableModels({}, job.task),
): Issue[] {
  const problems = [
    ...taskProblems(job, runnable),
    ...trainingProblems(job),
    ...tileProblems(job),
    ...dataProblems(job),
    ...placeProblems(job),
  ];
  return problems.map((problem) => issueAt(source, problem));
}

const notYet = (path: Path, message: string, hint?: string): Problem => ({
  code: 'unsupported',
  path,
  message,
  ...(hint !== undefined && { hint }),
});

const noEffect = (path: Path, message: string, hint?: string): Problem => ({
  code: 'no-effect',
  severity: 'warning',
  path,
  on: 'key',
  message,
  ...(hint !== undefined && { hint }),
});

function taskProblems(job: ImageJob, runnableModels: readonly string[]): Problem[] {
  const hint = `this release trains ${runnableModels.join(', ')}`;
  return chosenModels(job)
    .filter(({ model }) => !runnableModels.includes(model))
    .map(({ model, path }) =>
      path === undefined
        ? notYet(
            ['training_parameters'],
            `no model_name is given, and the default, ${model}, can not be trained yet`,
            hint,
          )
        : notYet(path, `${model} can not be trained yet`, hint),
    );
}

/** Every model that a trial can have, and where the job says so; no path for the default. */
function chosenModels(job: ImageJob): { model: string; path?: Path }[] {
  const fixed = job.training_parameters.model_name;
  if (fixed === undefined && jobMode(job) === 'automode') return []; // chosen among those that can be trained
  const otherwise =
    fixed === undefined
      ? { model: defaultModels[job.task] }
      : { model: fixed, path: ['training_parameters', 'model_name'] };
  const space = job.search_space ?? [];
  const chosen = space.flatMap(({ model_name: model }, index) => {
    const path = ['search_space', index, 'model_name'];
    if (model === undefined) return [];
    if (typeof model !== 'object') return [{ model: String(model), path }];
    if (!isDistribution(model) || model.type !== 'choice') return [];
    return model.values.map((value, i) => ({ model: String(value), path: [...path, 'values', i] }));
  });
  const all = space.length > 0 && space.every((subSpace) => subSpace.model_name !== undefined);
  return all ? chosen : [...chosen, otherwise];
}

function trainingProblems(job: ImageJob): Problem[] {
  const { task, training_parameters: parameters, search_space: space = [], properties } = job;
  const problems: Problem[] = [];
  const holders: [Path, Readonly<Record<string, unknown>>][] = [
    [['training_parameters'], parameters],
    ...space.map((subSpace, index): [Path, typeof subSpace] => [['search_space', index], subSpace]),
  ];
  for (const [path, values] of holders) {
    if (values.distributed !== undefined && values.distributed !== false) {
      problems.push(
        notYet([...path, 'distributed'], 'training on several GPUs can not be run yet', 'take distributed out'),
      );
    }
    if (values.augmentations !== undefined) {
      problems.push(
        noEffect([...path, 'augmentations'], 'augmentations has no effect: what it takes is not documented'),
      );
    }
  }
  const models = chosenModels(job).map(({ model }) => model);
  const flags = Object.keys(parameters.advanced_settings ?? {}).filter((flag) => !hasEffect(flag, task, models));
  if (flags.length > 0) {
    const path = ['training_parameters', 'advanced_settings'];
    const onWhat = isClassification(task) || models.length === 0 ? task : alternatives([...new Set(models)]);
    problems.push(noEffect(path, `${flags.join(', ')}: no effect on ${onWhat} on this machine`));
  }
  if (Number(properties.node_count_per_trial ?? 1) > 1) {
    const path = ['properties', 'node_count_per_trial'];
    problems.push(notYet(path, 'a trial can not run on several machines yet', 'node_count_per_trial: "1"'));
  }
  return problems;
}

/** The flags of detectors switch their augmentations; only yolov5 has mosaics. No models: AutoMode, which tries all. */
const hasEffect = (flag: string, task: Task, models: readonly string[]): boolean =>
  !isClassification(task) &&
  (flag === 'apply_mosaic_for_yolo'
    ? models.length === 0 || models.includes('yolov5')
    : flag === 'apply_automl_train_augmentations');

/** What says how tiles are, where a trial has none. */
function tileProblems({ training_parameters: parameters, search_space: space = [] }: ImageJob): Problem[] {
  const keys = ['tile_overlap_ratio', 'tile_predictions_nms_threshold'] as const;
  const isTiled = (values: Readonly<Record<string, unknown>>) => (values.tile_grid_size ?? null) !== null;
  if (isTiled(parameters)) return [];
  const holders: [Path, Readonly<Record<string, unknown>>][] = space.map((values, i) => [['search_space', i], values]);
  if (!space.some(isTiled)) holders.push([['training_parameters'], parameters]);
  return holders
    .filter(([, values]) => !isTiled(values))
    .flatMap(([path, values]) =>
      keys
        .filter((key) => values[key] !== undefined)
        .map((key) =>
          noEffect([...path, key], `${key} has no effect without tiles`, 'tile_grid_size: 3x2 asks for some'),
        ),
    );
}

function dataProblems(job: ImageJob): Problem[] {
  return (['training_data', 'validation_data'] as const).flatMap((key) => {
    const path = job[key]?.path;
    if (path === undefined || !isRemote(path)) return [];
    const hint = 'download it, and give the folder';
    return [notYet([key, 'path'], `${key} can not be read from ${schemeOf(path)} yet`, hint)];
  });
}

function placeProblems(job: ImageJob): Problem[] {
  const problems: Problem[] = [];
  if (job.compute !== 'local') {
    const hint = 'fovea compute create gives this machine that name';
    problems.push(noEffect(['compute'], `runs on this machine, not on ${job.compute}`, hint));
  }
  for (const key of ['environment_id', 'environment_variables', 'resources', 'identity'] as const) {
    if (job[key] !== undefined) problems.push(noEffect([key], `${key} has no effect on this machine`));
  }
  for (const key of ['path', 'storage_uri'] as const) {
    if (job.outputs.best_model[key] === undefined) continue;
    problems.push(
      noEffect(['outputs', 'best_model', key], `${key} has no effect: the model is written to the folder of the job`),
    );
  }
  return problems;
}

/** Not on this machine. What `azureml:` names, the workspace knows. */
const isRemote = (path: string) => !['azureml', 'file', undefined].includes(schemeOf(path)?.toLowerCase());

/** `azureml:`, `https:` …; a single letter is a Windows drive. */
function schemeOf(path: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(path)?.[1];
}
