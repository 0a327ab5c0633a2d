import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ReadJobData } from '@fovea/automl';
import type { DataReport, ModelAnswers, PageOptions } from '@fovea/data';
import type { Command } from 'commander';
import { withRegisteredData } from './asset-upkeep.ts';
import { type CommonOptions, type Context, command } from './command.ts';
import { convertCommand } from './convert.ts';
import { reportLines } from './data-report-lines.ts';
import { CommandFailure, exitCodes, UsageError } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { readJobFile, requireJob } from './job-file.ts';
import { type DataTask, dataTasks, labelledData } from './labelled-data.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { type Progress, showProgress } from './progress.ts';
import { samplesCommand } from './samples.ts';
import { shortPath } from './summary.ts';
import type { WorkspaceOptions } from './workspace.ts';

interface CheckOptions {
  validation?: string;
  task?: DataTask;
  targetColumn?: string;
  file?: string;
  job?: string;
  model?: string;
  html?: string;
}

/** Labelled images that are to be looked at. */
type Subject = ReadJobData & { readonly task: DataTask };

type Services = Context['services'];
type Data = Awaited<ReturnType<Services['data']>>;
type Model = Awaited<ReturnType<Awaited<ReturnType<Services['serving']>>['loadModel']>>;
type NamedModel = Model & { readonly name: string };

const askedTogether = 64;

/** `fovea data <verb>`. */
export function dataCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const check = command<CheckOptions>(context, {
    usage: 'check [path]',
    server: 'asked',
    summary: 'look for what is wrong with labelled pictures, before or after training on them',
    about: [
      'Said are counts and imbalance, damaged pictures, copies (scaled, compressed or mirrored ones too), pictures that are in',
      'training and in validation, odd sizes, of objects their boxes; with a trained classifier also labels that it contradicts. The',
      'path is what fovea train takes. The exit code is 1 when training could not start. docs/data-report.md tells the keys of the JSON.',
    ].join('\n'),
    options: [
      { flags: '--validation <path>', text: 'pictures for validation that lie elsewhere' },
      {
        flags: '--task <task>',
        text: 'what is learned: one class of an image, several labels, or objects; found out when left out',
        choices: dataTasks,
      },
      { flags: '--target-column <name>', text: 'column of a table that has the labels; found out when left out' },
      { flags: '-f, --file <job.yml>', text: 'check the data of this job file instead of a path' },
      { flags: '--job <name>', text: 'let the model of this job doubt the labels' },
      { flags: '--model <folder>', text: 'let the model of this folder doubt the labels' },
      { flags: '--html <report.html>', text: 'also write a page with pictures: one file, to be opened in a browser' },
    ],
    examples: [
      'fovea data check pictures/ --html report.html',
      'fovea data check labels.csv --job amber_lynx --html report.html',
      "fovea data check pictures/ -o json --query 'duplicates[?different_labels].images[].file'",
    ],
    async run(options, [path]) {
      const write = await optionalWriter(out, options);
      requireFitting(path, options);
      const quiet = options.onlyShowErrors === true;
      const progress = showProgress(err, { show: quiet ? 'errors' : 'progress', verbose: options.verbose === true });
      const interruption = onInterruption(() => progress.say('  stopping; Ctrl-C again ends at once'));
      const { signal } = interruption;
      let model: NamedModel | null = null;
      try {
        counter(progress, 'reading the data')();
        const data = await context.services.data();
        model = await chosenModel(context, options);
        // Whether "old town" is one label or two, nobody knows better than a model that has learned them.
        const asked = { ...options, task: options.task ?? model?.task };
        const subject = await subjectOf(context, path ?? '', asked, (note) => quiet || progress.say(`  ${note}`));
        requireKnown(model, subject);
        const { workspace } = options;
        const { report, page: shown } = await checkOf(data, subject, { model, progress, signal, workspace });
        if (options.html !== undefined) {
          const onProgress = counter(progress, 'drawing the page');
          const page = { ...shown, file: resolve(options.html), onProgress, signal };
          await writeFile(options.html, await data.reportPage(report, page));
        }
        progress.close();
        if (write === null) out.write(`${reportLines(out, report, options.html).join('\n')}\n`);
        await write?.(
          report,
          report.findings.map(({ severity, code, count, message }) => ({ severity, code, count, message })),
        );
        context.exitCode = report.can_train ? exitCodes.done : exitCodes.failed;
      } catch (error) {
        const stopped = interruption.exitCode();
        if (stopped === null) throw error;
        throw new CommandFailure('stopped; what was looked at is remembered', { exitCode: stopped });
      } finally {
        interruption.release();
        progress.close();
        await model?.close();
      }
    },
  });
  return [check, convertCommand(context), samplesCommand(context)];
}

/** @throws UsageError when the words of the command line do not go together */
function requireFitting(path: string | undefined, options: CheckOptions): void {
  const together = (first: string, second: string) =>
    new UsageError(`${first} and ${second} at once`, 'give one of them');
  if (options.job !== undefined && options.model !== undefined) throw together('--job', '--model');
  if (options.file === undefined) {
    if (path !== undefined) return;
    throw new UsageError(
      'fovea data check needs the path of the data, or --file <job.yml>',
      'fovea data check pictures/',
    );
  }
  if (path !== undefined) throw together('a path', '--file');
  const said = { '--validation': options.validation, '--task': options.task, '--target-column': options.targetColumn };
  for (const [flag, value] of Object.entries(said)) {
    if (value !== undefined) throw new UsageError(`${flag} and --file at once`, 'the job file says it');
  }
}

/** What the words of the command line mean. */
async function subjectOf(
  context: Context,
  path: string,
  options: Omit<CheckOptions, 'task'> & WorkspaceOptions & { readonly task: DataTask | undefined },
  say: (note: string) => void,
): Promise<Subject> {
  const { readJobData } = await context.services.automl();
  if (options.file !== undefined) {
    const read = await readJobFile(context, options, options.file, []);
    const job = await requireJob(context, read, true);
    const task = dataTasks.find((name) => name === job.task);
    if (task === undefined)
      throw new CommandFailure(`${options.file} is a job of task ${job.task}`, {
        hint: `data check reads the data of ${dataTasks.join(', ')}`,
      });
    const found = await withRegisteredData(context, options, job);
    return { ...(await readJobData(found, dirname(resolve(options.file)))), task };
  }
  const found = await labelledData(context, path, options);
  for (const note of found.notes) say(note);
  const validation = options.validation ?? found.validation;
  const local = { type: 'mltable', mode: 'direct' } as const;
  const job = {
    task: found.task,
    target_column_name: found.targetColumn,
    training_data: { ...local, path: found.training },
    ...(validation !== undefined && { validation_data: { ...local, path: resolve(validation) } }),
  };
  return { ...(await readJobData(job, process.cwd())), task: found.task };
}

interface Checking {
  readonly model: NamedModel | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly workspace: string;
}

async function checkOf(
  data: Data,
  subject: Subject,
  { model, progress, signal, workspace }: Checking,
): Promise<{ report: DataReport; page: Pick<PageOptions, 'traits' | 'records' | 'objects'> }> {
  const { testImages } = subject;
  const images = [...subject.train.records, ...(subject.validation?.records ?? [])];
  const onProgress = counter(progress, 'opening every image');
  const { traits, issues } = await data.inspectImages(images, {
    cacheFolder: join(resolve(workspace), 'cache'),
    onProgress,
    signal,
  });
  const answers = model === null ? undefined : await answersOf(model, [...traits.keys()], progress, signal);
  counter(progress, 'comparing the images')();
  const common = { testImages, issues: subject.issues.concat(issues), traits, answers } as const;
  if (subject.kind === 'labels') {
    const { train: training, validation, task } = subject;
    const labelKind = task === 'image_classification' ? 'multiclass' : 'multilabel';
    const report = await data.dataReport({ ...common, training, validation, labelKind }, { signal });
    return { report, page: { traits, records: training.records } };
  }
  const { train, validation } = subject;
  const training = data.withLabels(train);
  const input = {
    ...common,
    training,
    validation: validation && data.withLabels(validation),
    labelKind: 'multilabel',
    objects: {
      training: train,
      validation,
      task: subject.task === 'image_instance_segmentation' ? 'segmentation' : 'detection',
    },
  } as const;
  const hasOutlines = subject.task === 'image_instance_segmentation';
  const objects = new Map(
    [...train.records, ...(validation?.records ?? [])].map(({ file, objects: all }) => [
      file,
      all.map(({ box, polygons }) => ({ box, ...(hasOutlines && polygons && { polygons }) })),
    ]),
  );
  return { report: await data.dataReport(input, { signal }), page: { traits, records: training.records, objects } };
}

async function answersOf(
  model: NamedModel,
  files: readonly string[],
  progress: Progress,
  signal: AbortSignal,
): Promise<ModelAnswers> {
  const probabilities = new Map<string, readonly number[]>();
  const onProgress = counter(progress, 'asking the model');
  for (let start = 0; start < files.length; start += askedTogether) {
    const some = files.slice(start, start + askedTogether);
    const answers = await model.predict(some, { signal });
    for (const [i, answer] of answers.entries()) if ('probs' in answer) probabilities.set(some[i], answer.probs);
    onProgress(Math.min(files.length, start + askedTogether), files.length);
  }
  return { model: model.name, labels: model.labels, probabilities };
}

/** The model that is to doubt the labels; null when none was asked for. */
async function chosenModel(context: Context, options: CheckOptions & CommonOptions): Promise<NamedModel | null> {
  const name = options.job ?? options.model;
  if (name === undefined) return null;
  const { loadModel } = await context.services.serving();
  return { ...(await loadModel(await modelFolder(context, options, name))), name: shortPath(name) };
}

/** @throws CommandFailure when the model can say nothing about the data */
function requireKnown(model: NamedModel | null, { train, task }: Subject): void {
  if (model === null) return;
  if (model.task !== task) {
    throw new CommandFailure(`the model ${model.name} is of task ${model.task}, the data of ${task}`, {
      hint: 'give a model that was trained on such data',
    });
  }
  if (train.classes.length === 0 || train.classes.some((label) => model.labels.includes(label))) return;
  throw new CommandFailure(`the model ${model.name} knows none of these classes`, {
    hint: `it knows ${model.labels.slice(0, 10).map(printable).join(', ')}`,
  });
}

/** Tells `progress` how far a stretch of work is. */
function counter(progress: Progress, message: string): (done?: number, total?: number) => void {
  return (done, total) => {
    const amounts = done === undefined || total === undefined ? {} : { done, total };
    progress.onEvent({ type: 'phase', name: 'data', message, ...amounts });
  };
}
