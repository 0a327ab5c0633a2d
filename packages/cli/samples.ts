import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ShownData } from '@fovea/automl';
import type { Issue } from '@fovea/data';
import type { Command } from 'commander';
import { assignments, type CommonOptions, type Context, command, positiveInteger } from './command.ts';
import { UsageError } from './failure.ts';
import { type DataTask, dataTasks, hasObjects, labelledData, objectTaskOf } from './labelled-data.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { counted } from './quantities.ts';
import { shortPath } from './summary.ts';

/** More make a picture that hardly a program opens. */
const mostSamples = 400;

interface SamplesOptions {
  model?: string;
  task?: DataTask;
  targetColumn?: string;
  count: number;
  seed: number;
  validation?: boolean;
  set?: string[];
}

/** `fovea data samples`. */
export function samplesCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<SamplesOptions>(context, {
    usage: 'samples <data> <sheet.png>',
    server: 'unneeded',
    summary: 'a picture of what a model gets to see in training, with boxes, outlines and labels',
    about: [
      'Shown are the first images of a training with this seed as they reach the model: cut, mirrored, put together, changed in',
      'colour, and resized. The data is what fovea train takes.',
    ].join('\n'),
    options: [
      { flags: '--model <name>', text: 'the network, as yolov5 or fasterrcnn_resnet50_fpn; images are made for it' },
      { flags: '--task <task>', text: 'what is learned; found out when left out', choices: dataTasks },
      { flags: '--target-column <name>', text: 'column of a table that has the labels; found out when left out' },
      { flags: '--count <n>', text: 'images on the sheet', read: positiveInteger, fallback: 16 },
      { flags: '--seed <n>', text: 'seed of the training', read: wholeNumber, fallback: 0 },
      { flags: '--validation', text: 'the images as validation and a served model look at them' },
      { flags: '--set <key=value>', text: 'a hyperparameter, as image_size=320; may be repeated', read: assignments },
    ],
    examples: [
      'fovea data samples pictures/ sheet.png --model mobilenetv2',
      'fovea data samples boxes/ sheet.png --model yolov5 --count 36',
      `fovea data samples boxes/ sheet.png --set 'advanced_settings={"apply_mosaic_for_yolo": false}'`,
    ],
    async run(options, [path = '', sheet = '']) {
      const write = await optionalWriter(out, options);
      if (!/\.png$/i.test(sheet)) throw new UsageError(`the sheet is a PNG, not ${sheet}`, 'name it sheet.png');
      if (options.count > mostSamples)
        throw new UsageError(`${options.count} samples are too many for one sheet`, `--count ${mostSamples} or fewer`);
      const hyperparameters = hyperparametersOf(options.set ?? []);
      const { sampleSheet } = await context.services.data();
      const { shownSamples, defaultModels, modelNames } = await context.services.automl();
      const task = options.task ?? objectTaskOf(options.model, modelNames);
      const data = await readShown(context, path, { ...options, task });
      const { records, classes } = data.dataset;
      const model = options.model ?? defaultModels[data.task];
      const names: readonly string[] = modelNames[data.task];
      if (!names.includes(model))
        throw new UsageError(`${model} is no model for ${data.task}`, `one of ${names.join(', ')}`);
      const { count, seed, validation = false } = options;
      const shown = { images: 0, objects: 0, dropped: 0 };
      const samples = shownSamples(data, { model, hyperparameters, count, seed, validation });
      const counting = (async function* () {
        for await (const sample of samples) {
          shown.images++;
          shown.objects += sample.objects.length;
          shown.dropped += sample.dropped;
          yield sample;
        }
      })();
      await writeFile(sheet, await sampleSheet(counting, { classes }));
      const isDetection = hasObjects(data.task);
      const result = {
        ...{ sheet: resolve(sheet), task: data.task, model, seed, of: records.length, images: shown.images },
        ...(isDetection && { boxes: shown.objects, dropped: shown.dropped }),
      };
      if (write !== null) return write(result);
      const boxes = isDetection ? ` · ${counted(shown.objects, 'box', 'boxes')}, ${shown.dropped} dropped` : '';
      const how = validation ? 'in validation' : 'in training';
      out.write(`${printable(shortPath(sheet))}  ${counted(shown.images, 'sample')} for ${model} ${how}${boxes}\n`);
    },
  });

  /** The labelled images of a path, every one of them opened. */
  async function readShown(
    { services }: Context,
    path: string,
    options: Omit<SamplesOptions, 'task'> & CommonOptions & { task: DataTask | undefined },
  ): Promise<ShownData> {
    const { readObjects, readLabelledImages, verifyImages, IssuesError, formatIssues } = await services.data();
    const { task: asked, targetColumn, workspace } = options;
    const found = await labelledData(context, path, { task: asked, targetColumn });
    if (options.onlyShowErrors !== true) for (const note of found.notes) err.write(`  ${note}\n`);
    const settle = async (issues: readonly Issue[], records: Parameters<typeof verifyImages>[0]): Promise<void> => {
      const all = issues.concat(await verifyImages(records, { cacheFolder: join(resolve(workspace), 'cache') }));
      if (all.some(({ severity }) => severity === 'error')) throw new IssuesError(all);
      if (all.length > 0 && options.onlyShowErrors !== true) err.write(`${formatIssues(all, { limit: 20 })}\n\n`);
    };
    const { training, task } = found;
    const column = { targetColumn: found.targetColumn };
    if (hasObjects(task)) {
      const objectTask = task === 'image_instance_segmentation' ? 'segmentation' : 'detection';
      // For looking, one image is enough.
      const options = { ...column, task: objectTask, role: 'validation', part: 'train' } as const;
      const { dataset, issues } = await readObjects(training, options);
      await settle(issues, dataset.records);
      return { task, dataset };
    }
    const labelKind = task === 'image_classification' ? 'multiclass' : 'multilabel';
    const { dataset, issues } = await readLabelledImages(training, { ...column, labelKind, role: 'training' });
    await settle(issues, dataset.records);
    return { task, dataset };
  }
}

function hyperparametersOf(texts: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name, value] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
      try {
        return [name, JSON.parse(value)];
      } catch {
        return [name, value];
      }
    }),
  );
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`--seed ${text} is no whole number`, '--seed 7');
  return Number(text);
}
