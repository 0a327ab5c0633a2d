import { type Issue, nearest } from '@fovea/data';
import { isMap, show } from '../yaml/plain-value.ts';
import { inOrder, issueAt, type Problem } from '../yaml/problem.ts';
import { schemaProblems } from '../yaml/schema-problems.ts';
import { applySets } from '../yaml/set.ts';
import { squash } from '../yaml/value-schema.ts';
import { type Path, readYamlSource, type YamlSource } from '../yaml/yaml-source.ts';
import { canonicaliseSearch } from './canonical-search-space.ts';
import { combinationProblems } from './combination-rules.ts';
import { type CheckedJob, defaultLimits, earlyTerminationTypes, type ImageJob, jobSchema } from './job.ts';
import { jobFile } from './job-file.ts';
import { jobProblems, type PartialJob } from './job-rules.ts';
import { jobWords } from './job-schema-problems.ts';
import { searchSpaceProblems } from './search-space-rules.ts';
import { primaryMetrics, type Task, tasks } from './tasks.ts';

export interface ParseOptions {
  /** The name of the file in the report. */
  file: string;
  /** `path.to.key=value` of each `--set`, applied in order over the file. */
  set?: readonly string[] | undefined;
  /** Take every `--set` value as text. */
  forceString?: boolean | undefined;
  /** Experiment of a job that names none; the `az` CLI takes the name of the working directory. */
  experimentName?: string | undefined;
}

export interface ParsedJob {
  /** The job with its defaults; null when there is an error among the issues. */
  job: ImageJob | null;
  /** Every problem, errors and warnings, in the order of the file. */
  issues: Issue[];
  /** For the places of what is found later. */
  source: YamlSource;
}

/**
 * Reads an image job file: the whole Azure contract of all four tasks is checked, and every problem is reported at once.
 * Whether this release can run a valid job is another question: `unsupportedReasons`.
 *
 * Never throws, whatever the text.
 */
export function parseJob(text: string, options: ParseOptions): ParsedJob {
  const { value, source, issues } = readYamlSource(text, options.file, jobFile);
  if (value === null) return { job: null, issues, source };
  issues.push(...applySets(value, source, options.set ?? [], jobFile, { forceString: options.forceString ?? false }));
  const { job, problems } = checkJob(value, source);
  issues.push(...problems.map((problem) => issueAt(source, problem)));
  const failed = job === null || issues.some(({ severity }) => severity === 'error');
  return {
    job: failed ? null : withDefaults(inOrderOf(job, value), options.experimentName ?? 'Default'),
    issues: inOrder(
      issues,
      options.file,
      (options.set ?? []).map((argument) => `--set ${argument}`),
    ),
    source,
  };
}

function checkJob(raw: Record<string, unknown>, source: YamlSource): { job: CheckedJob | null; problems: Problem[] } {
  const foreign = foreignType(raw.type);
  if (foreign !== undefined) return { job: null, problems: [foreign] };
  const task = taskOf(raw.task);
  const problems = canonicaliseSearch(raw, earlyTerminationTypes);
  const result = jobSchema(task).safeParse(raw);
  if (!result.success) problems.push(...schemaProblems(result.error.issues, raw, jobWords(task)));
  const { job, isWrong } =
    result.success && problems.length === 0
      ? { job: result.data, isWrong: () => false }
      : rightParts(raw, problems, task);
  problems.push(...jobProblems(job, raw), ...searchSpaceProblems(job, (path) => source.place(path).line));
  if (task !== undefined) problems.push(...combinationProblems(task, job, isWrong));
  return { job: result.success ? result.data : null, problems };
}

/** Other kinds of jobs have other keys: to check them as an image job would only make noise. */
function foreignType(type: unknown): Problem | undefined {
  if (typeof type !== 'string' || squash(type) === 'automl' || nearest(type, ['automl']) !== undefined)
    return undefined;
  const hint = 'image jobs have type: automl';
  return { code: 'unsupported', path: ['type'], message: `jobs of type ${show(type)} are not supported`, hint };
}

function taskOf(task: unknown): Task | undefined {
  return typeof task === 'string' ? tasks.find((known) => squash(known) === squash(task)) : undefined;
}

/** The parts of a faulty job that are right, so that the rules between them can be checked too. */
function rightParts(
  raw: Record<string, unknown>,
  problems: readonly Problem[],
  task: Task | undefined,
): { job: PartialJob; isWrong: (path: Path) => boolean } {
  const wrong = new Set<string>();
  const kept = structuredClone(raw);
  for (const { path } of problems) {
    // A distribution is right or wrong as a whole, and so is a list.
    const parts = path[0] === 'search_space' ? path.slice(0, 3) : path;
    const index = path[0] === 'search_space' ? -1 : parts.findIndex((part) => typeof part === 'number');
    const removed = index === -1 ? parts : parts.slice(0, index);
    wrong.add(JSON.stringify(removed));
    remove(kept, removed);
  }
  const job: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(jobSchema(task).shape)) {
    const result = schema.safeParse(kept[key]);
    if (result.success && result.data !== undefined) job[key] = result.data;
    else if (kept[key] !== undefined) wrong.add(JSON.stringify([key]));
  }
  return { job: job as PartialJob, isWrong: (path) => wrong.has(JSON.stringify(path)) };
}

function remove(root: Record<string, unknown>, path: Path): void {
  let holder: unknown = root;
  for (const part of path.slice(0, -1)) {
    if (typeof holder !== 'object' || holder === null) return;
    holder = (holder as Record<string | number, unknown>)[part];
  }
  const last = path.at(-1);
  // A faulty element of the list of sub-spaces becomes an empty one, so that the others keep their index.
  if (Array.isArray(holder) && typeof last === 'number') holder[last] = {};
  else if (isMap(holder) && last !== undefined) delete holder[last];
}

/** Hyperparameters in the order of the file, which is the order of a grid, instead of that of the schema. */
function inOrderOf(job: CheckedJob, raw: Record<string, unknown>): CheckedJob {
  const { training_parameters: fixed, search_space: space } = job;
  const ordered = <Values extends object>(values: Values, like: unknown): Values =>
    Object.fromEntries(Object.keys(like as object).map((key) => [key, values[key as keyof Values]])) as Values;
  return {
    ...job,
    ...(fixed && { training_parameters: ordered(fixed, raw.training_parameters) }),
    ...(space && { search_space: space.map((subSpace, i) => ordered(subSpace, (raw.search_space as unknown[])[i])) }),
  };
}

/** The defaults that depend on other keys, and one place for what has two. */
function withDefaults(checked: CheckedJob, experimentName: string): ImageJob {
  const task = checked.task as Task;
  const limits = { ...defaultLimits, ...checked.sweep?.limits, ...checked.limits };
  limits.max_concurrent_trials = Math.min(limits.max_concurrent_trials, limits.max_trials);
  const job = {
    ...checked,
    task,
    experiment_name: checked.experiment_name ?? experimentName,
    primary_metric: checked.primary_metric ?? primaryMetrics[task],
    validation_data_size: checked.validation_data === undefined ? (checked.validation_data_size ?? 0.2) : undefined,
    limits,
    training_parameters: checked.training_parameters ?? {},
    sweep: checked.sweep && plainSweep(checked.sweep),
    outputs: checked.outputs ?? { best_model: { type: 'mlflow_model' as const } },
  };
  const keys = Object.keys(jobSchema(task).shape) as (keyof typeof job)[];
  const present = keys.filter((key) => job[key] !== undefined);
  return Object.fromEntries(present.map((key) => [key, job[key]])) as unknown as ImageJob;
}

/** A sweep without its older limits, a sampling that says no more than its name as the name, and a bandit with the one slack that counts. */
function plainSweep({
  sampling_algorithm: sampling,
  early_termination: policy,
}: NonNullable<CheckedJob['sweep']>): NonNullable<ImageJob['sweep']> {
  const isName = typeof sampling === 'object' && sampling.rule === undefined && sampling.seed === undefined;
  const sampling_algorithm = isName ? sampling.type : sampling;
  if (policy === undefined) return { sampling_algorithm };
  if (policy.type !== 'bandit') return { sampling_algorithm, early_termination: policy };
  const { slack_factor, slack_amount, ...rest } = policy;
  const useFactor = (slack_factor ?? 0) !== 0 || slack_amount === undefined;
  return { sampling_algorithm, early_termination: { ...rest, ...(useFactor ? { slack_factor } : { slack_amount }) } };
}
