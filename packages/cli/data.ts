import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { JobDataRead } from '@fovea/automl';
import type { DataReport, ImageTraits, ModelAnswers } from '@fovea/data';
import type { Command } from 'commander';
import { type CommonOptions, type Context, command } from './command.ts';
import { reportLines } from './data-report-lines.ts';
import { CommandFailure, exitCodes, UsageError } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { readJobFile, requireJob } from './job-file.ts';
import { type ClassificationTask, classificationTasks, labelledData } from './labelled-data.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { type Progress, showProgress } from './progress.ts';
import { shortPath } from './summary.ts';

interface CheckOptions {
  validation?: string;
  task?: ClassificationTask;
  targetColumn?: string;
  file?: string;
  job?: string;
  model?: string;
  html?: string;
}

/** Labelled images that are to be looked at. */
interface Subject extends JobDataRead {
  readonly task: ClassificationTask;
}

type Services = Context['services'];
type Data = Awaited<ReturnType<Services['data']>>;
type Model = Awaited<ReturnType<Awaited<ReturnType<Services['serving']>>['loadModel']>>;

const askedTogether = 64;

/** `fovea data <verb>`. */
export function dataCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const check = command<CheckOptions>(context, {
    usage: 'check [path]',
    summary: 'look for what is wrong with labelled pictures, before or after training on them',
    about: [
      'Counts, imbalance, damaged pictures, copies (also scaled, compressed or mirrored ones), the same picture in training and',
      'validation, odd sizes; with a trained model also labels that it contradicts. The path is what fovea train takes.',
      'The exit code is 1 when training could not start with this data. Schema of the JSON: packages/data/report/data-report.ts.',
    ].join('\n'),
    options: [
      { flags: '--validation <path>', text: 'pictures for validation that lie elsewhere' },
      {
        flags: '--task <task>',
        text: 'whether an image has one class or several labels; found out when left out',
        choices: classificationTasks,
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
      const quiet = options.onlyShowErrors === true;
      const subject = await subjectOf(context, path, options);
      const data = await context.services.data();
      const model = await chosenModel(context, options, subject);
      const progress = showProgress(err, { show: quiet ? 'errors' : 'progress', verbose: options.verbose === true });
      const interruption = onInterruption(() => progress.say('  stopping; Ctrl-C again ends at once'));
      try {
        const signal = interruption.signal;
        const checked = await checkOf(data, subject, { model, progress, signal, workspace: options.workspace });
        const { report, traits } = checked;
        if (options.html !== undefined) {
          const onProgress = counter(progress, 'drawing the page');
          const page = await data.reportPage(report, {
            ...{ traits, records: subject.train.records, file: resolve(options.html), onProgress, signal },
          });
          await writeFile(options.html, page);
        }
        progress.close();
        if (write === null) out.write(`${reportLines(out, report, options.html).join('\n')}\n`);
        else
          await write(
            report,
            report.findings.map(({ severity, code, count, message }) => ({ severity, code, count, message })),
          );
        context.exitCode = report.can_train ? exitCodes.done : exitCodes.failed;
      } catch (error) {
        const stopped = interruption.exitCode();
        if (stopped !== null)
          throw new CommandFailure('stopped; what was looked at is remembered', { exitCode: stopped });
        throw error;
      } finally {
        interruption.release();
        progress.close();
        await model?.close();
      }
    },
  });
  return [check];
}

/** What the words of the command line mean. */
async function subjectOf(
  context: Context,
  path: string | undefined,
  options: CheckOptions & CommonOptions,
): Promise<Subject> {
  const { readJobData } = await context.services.automl();
  if (options.file !== undefined) {
    if (path !== undefined) throw new UsageError('a path and --file at once', 'give one of them');
    const read = await readJobFile(context, options.file, []);
    const job = await requireJob(context, read, true);
    const task = classificationTasks.find((name) => name === job.task);
    if (task === undefined)
      throw new CommandFailure(`${options.file} is a job of task ${job.task}`, {
        hint: `data check reads the data of ${classificationTasks.join(' and ')}`,
      });
    return { ...(await readJobData(job, dirname(resolve(options.file)))), task };
  }
  if (path === undefined)
    throw new UsageError(
      'fovea data check needs the path of the data, or --file <job.yml>',
      'fovea data check pictures/',
    );
  const found = await labelledData(context, path, options);
  if (!options.onlyShowErrors) for (const note of found.notes) context.terminal.err.write(`  ${note}\n`);
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
  readonly model: (Model & { readonly name: string }) | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly workspace: string;
}

async function checkOf(
  data: Data,
  { train, validation, testImages, task, ...read }: Subject,
  { model, progress, signal, workspace }: Checking,
): Promise<{ report: DataReport; traits: ReadonlyMap<string, ImageTraits> }> {
  const records = [...train.records, ...(validation?.records ?? [])];
  const onProgress = counter(progress, 'opening every image');
  const { traits, issues } = await data.inspectImages(records, {
    cacheFolder: join(resolve(workspace), 'cache'),
    onProgress,
    signal,
  });
  const answers = model === null ? undefined : await answersOf(model, [...traits.keys()], progress, signal);
  counter(progress, 'comparing the images')();
  const input = {
    training: train,
    validation,
    testImages,
    labelKind: task === 'image_classification' ? 'multiclass' : 'multilabel',
    issues: read.issues.concat(issues),
    traits,
    answers,
  } as const;
  return { report: await data.dataReport(input, { signal }), traits };
}

async function answersOf(
  model: Model & { readonly name: string },
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

/** The model that is to doubt the labels; null when none was asked for. @throws CommandFailure when it does not fit the data */
async function chosenModel(
  context: Context,
  options: CheckOptions & CommonOptions,
  { train, task }: Subject,
): Promise<Checking['model']> {
  if (options.job !== undefined && options.model !== undefined)
    throw new UsageError('--job and --model at once', 'give one of them');
  const name = options.job ?? options.model;
  if (name === undefined) return null;
  const { loadModel } = await context.services.serving();
  const model = await loadModel(await modelFolder(context, options, name));
  const refuse = async (message: string, hint: string) => {
    await model.close();
    throw new CommandFailure(message, { hint });
  };
  if (model.task !== task)
    await refuse(
      `the model ${name} is of task ${model.task}, the data of ${task}`,
      'give a model that was trained on such data',
    );
  const unknown = train.classes.filter((label) => !model.labels.includes(label));
  if (unknown.length === train.classes.length && unknown.length > 0) {
    await refuse(
      `the model ${name} knows none of these classes`,
      `it knows ${model.labels.slice(0, 10).map(printable).join(', ')}`,
    );
  }
  return { ...model, name: shortPath(name) };
}

/** Tells `progress` how far a stretch of work is. */
function counter(progress: Progress, message: string): (done?: number, total?: number) => void {
  return (done, total) => {
    const amounts = done === undefined || total === undefined ? {} : { done, total };
    progress.onEvent({ type: 'phase', name: 'data', message, ...amounts });
  };
}
