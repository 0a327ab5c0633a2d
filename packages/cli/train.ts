import type { Command } from 'commander';
import { assignments, type Context, command, positiveInteger } from './command.ts';
import { followJob } from './follow-job.ts';
import { checkedJob, type ReadJob, requireJob } from './job-file.ts';
import { type DataTask, dataTasks, type LabelledData, labelledData, objectTaskOf } from './labelled-data.ts';
import { optionalWriter } from './output.ts';
import { checkpoint, weightsOption } from './weights-option.ts';
import { withWorkspace } from './workspace.ts';

interface TrainOptions {
  task?: DataTask;
  model?: string;
  epochs?: number;
  batchSize?: number;
  trials?: number;
  weights?: string;
  name?: string;
  set?: string[];
}

/**
 * What is trained on a folder of pictures when nothing is said: small, and good on two cores; a job file without a model means Azure's
 * own default.
 */
const smallModels = {
  image_classification: { model_name: 'mobilenetv2' },
  image_classification_multilabel: { model_name: 'mobilenetv2' },
  image_object_detection: { model_name: 'yolov5', model_size: 'small' },
  image_instance_segmentation: { model_name: 'maskrcnn_resnet18_fpn' },
} as const satisfies Record<DataTask, Record<string, string>>;

/** `fovea train <data>`: a job without a job file. */
export function trainCommand(context: Context): Command {
  return command<TrainOptions>(context, {
    usage: 'train <data>',
    server: 'asked',
    summary: 'train a classifier, a detector or a model of masks on labelled pictures',
    about: [
      'The data is a folder that has a folder for each class, or train/ and val/ that have them; a folder with an MLTable; or a',
      'JSONL or CSV file of images and labels (or the folder with it), a column split of which says train, val and test. Boxes of',
      'objects make a detector, outlines a model that finds masks: they are read from JSONL and MLTable, COCO, Pascal VOC, YOLO,',
      'files of the VGG Image Annotator and pictures of masks.',
      'Without images for validation a fifth is kept for it. Images for testing are left out: fovea evaluate takes them.',
      'The job runs in processes of its own and is shown until it ends: Ctrl-C ends it (fovea job resume goes on), and a terminal',
      'that is closed does not. With -o, stdout gets the record of the job alone.',
    ].join('\n'),
    options: [
      {
        flags: '--model <name>',
        text: 'the network; mobilenetv2, for boxes a small yolov5, for masks maskrcnn_resnet18_fpn when left out',
      },
      {
        flags: '--task <task>',
        text: 'what is learned: one class of an image, several labels, boxes or masks of objects; found out when left out',
        choices: dataTasks,
      },
      { flags: '--epochs <n>', text: 'times that every picture is seen', read: positiveInteger },
      { flags: '--batch-size <n>', text: 'pictures in a step', read: positiveInteger },
      {
        flags: '--trials <n>',
        text: 'try so many models and settings and keep the best: small models first, then what does well; 1 when left out',
        read: positiveInteger,
      },
      weightsOption,
      { flags: '-n, --name <name>', text: 'name of the job; made up when left out' },
      {
        flags: '--set <key=value>',
        text: 'a hyperparameter, as learning_rate=0.005, or any key of a job file; may be repeated',
        read: assignments,
      },
    ],
    examples: [
      'fovea train pictures/',
      'fovea train labels.csv --task image_classification_multilabel',
      'fovea train VOC2012/ --model fasterrcnn_resnet50_fpn',
      'fovea train cells/ --task image_instance_segmentation',
      'fovea train pictures/ --model resnet18 --epochs 30 --set learning_rate=0.005',
      'fovea train pictures/ --trials 10 --set limits.timeout_minutes=60',
      'fovea train pictures/ -o json --query "{model: model, accuracy: metrics.accuracy}"',
    ],
    async run(options, [path = '']) {
      const write = await optionalWriter(context.terminal.out, options);
      const quiet = options.onlyShowErrors === true;
      const { modelNames } = await context.services.automl();
      const model = options.model ?? setTo(options.set, 'model_name', 'training_parameters.model_name');
      const data = await labelledData(context, path, {
        // Outlines are boxes, too, for a model that finds boxes.
        task: options.task ?? objectTaskOf(model, modelNames),
        targetColumn: setTo(options.set, 'target_column_name'),
      });
      if (!quiet) for (const note of data.notes) context.terminal.err.write(`  ${note}\n`);
      const weights = await checkpoint(options.weights);
      const job = await requireJob(context, await jobOf(context, data, options), quiet);
      const following = { ctrlC: 'cancels', summaryTo: write ? 'err' : 'out' } as const;
      const setting = { baseFolder: process.cwd(), weights, fitToData: true };
      const record = await withWorkspace(context, options, (workspace) =>
        followJob(context, options, workspace, following, (starting) =>
          workspace.submit(job, { ...setting, ...starting }),
        ),
      );
      await write?.(record);
    },
  });
}

/** The job that the words of the command line mean, checked as a job file is; what is wrong is said of the words that were typed. */
async function jobOf({ services }: Context, data: LabelledData, options: TrainOptions): Promise<ReadJob> {
  const automl = await services.automl();
  const sets: [set: string, typed: string][] = [];
  const option = (key: string, flag: string, value: string | number | undefined) => {
    if (value !== undefined) sets.push([`${key}=${JSON.stringify(value)}`, `${flag} ${value}`]);
  };
  option('training_parameters.model_name', '--model', options.model);
  const namesModel = options.set?.some((one) => /^(training_parameters\.)?model_name=/.test(one)) ?? false;
  // Of several trials the search chooses the models.
  const trials = options.trials ?? Number(setTo(options.set, 'limits.max_trials') ?? 1);
  if (options.model === undefined && !namesModel && !(trials > 1))
    for (const [name, value] of Object.entries(smallModels[data.task]))
      sets.push([`training_parameters.${name}=${JSON.stringify(value)}`, 'the model that is chosen without --model']);
  option('training_parameters.number_of_epochs', '--epochs', options.epochs);
  option('training_parameters.training_batch_size', '--batch-size', options.batchSize);
  option('limits.max_trials', '--trials', options.trials);
  option('name', '--name', options.name);
  for (const typed of options.set ?? []) sets.push([ofJob(automl.jobKeys, typed), `--set ${typed}`]);

  const text = JSON.stringify({
    type: 'automl',
    task: data.task,
    target_column_name: data.targetColumn,
    training_data: { path: data.training },
    ...(data.validation !== undefined && { validation_data: { path: data.validation } }),
  });
  const read = checkedJob(automl, text, { file: 'fovea train', set: sets.map(([set]) => set) });
  const typedAs = new Map(sets.map(([set, typed]) => [`--set ${set}`, typed]));
  // There is no file to open: a line of it says nothing to anybody.
  const issues = read.issues.map(({ line: _, column: __, ...issue }) => ({
    ...issue,
    file: typedAs.get(issue.file) ?? issue.file,
  }));
  return { job: read.job, issues, sources: new Map() };
}

/** A word alone is a hyperparameter unless it is a key of job files; with dots it is a path in one. */
function ofJob(jobKeys: readonly string[], assignment: string): string {
  const key = assignment.slice(0, assignment.indexOf('='));
  return /[.[]/.test(key) || jobKeys.includes(key) ? assignment : `training_parameters.${assignment}`;
}

/** What `--set <key>=…` says last of a key, which is known before there is a job. */
function setTo(set: readonly string[] = [], ...keys: readonly string[]): string | undefined {
  return set.findLast((one) => keys.some((key) => one.startsWith(`${key}=`)))?.replace(/^[^=]*=/, '');
}
