import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { versionOf, versionOptions, withRegistry } from './asset-upkeep.ts';
import { type CommonOptions, type Context, command } from './command.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { judgedImages, judgedObjects } from './judged-images.ts';
import { hasObjects, labelledData } from './labelled-data.ts';
import { liveLine } from './live-line.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter, outputFormats } from './output.ts';
import { printable } from './printable.ts';
import { count, counted, figure, megabytes, percent } from './quantities.ts';
import type { Services } from './services.ts';
import { metricWords } from './step-line.ts';
import { entryLine, shortPath } from './summary.ts';
import type { Channel } from './terminal.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Exported = Awaited<ReturnType<Serving['exportModel']>>;
type Quantisation = NonNullable<Exported['quantisation']>;
type Stage = Parameters<NonNullable<Parameters<Serving['exportModel']>[1]['onProgress']>>[0];
type Model = Awaited<ReturnType<Serving['readModelFolder']>>;

interface ExportCommandOptions {
  name?: string;
  version?: string;
  label?: string;
  format: 'onnx';
  int8?: boolean;
  data?: string;
  split?: string;
}

/** A loss of the primary metric that a person should think about. */
const NOTABLE_LOSS = 0.01;

const stages: Record<Stage, string> = {
  calibration: 'calibrating',
  float32: 'judging float32',
  int8: 'judging INT8',
  speed: 'comparing the speed',
};

/** `fovea model export <model>`. */
export function modelExportCommand(context: Context): Command {
  const { out, err } = context.terminal;
  let place: string | undefined;
  const made = command<ExportCommandOptions>(context, {
    usage: 'export [model]',
    server: 'asked',
    summary: 'write the ONNX file of a trained model, as it is or with 8-bit integers',
    about: [
      'The model is a model folder, the name of a job, or a registered one: --name pets, or azureml:pets:2. An output that ends in .onnx is a file, with what a program must know in a .json',
      'beside it; any other is a model folder, which fovea predict and fovea evaluate take. Without one the file is named after the model.',
      '--int8 makes a static INT8 form: calibrated on the validation images that the job kept, or on --data, and judged on all of them',
      'beside the float32 form. A file that is called like a format of results is written as ./json.',
    ].join('\n'),
    options: [
      ...versionOptions.map((option) => ({ ...option, required: false })),
      { flags: '--format <format>', text: 'of the file', choices: ['onnx'], fallback: 'onnx' },
      { flags: '--int8', text: 'with integers of 8 bits: a quarter of the size, and faster on most processors' },
      {
        flags: '--data <path>',
        text: 'labelled images to calibrate and judge INT8 with, instead of those that the job kept',
      },
      { flags: '--split <part>', text: 'which images of data that is split', choices: ['train', 'val', 'test'] },
    ],
    examples: [
      'fovea model export amber_lynx --format onnx',
      'fovea model export amber_lynx --format onnx --int8 --output small.onnx',
      'fovea model export amber_lynx --int8 --output small/        a model folder: fovea predict small/ photo.jpg',
      'fovea model export --name pets --version 2 --int8',
      'fovea model export downloaded/ --int8 --data pictures/ -o json --query quantisation.loss',
    ],
    async run(options, [word]) {
      // A place alone leaves an empty word.
      const write = await optionalWriter(out, { ...options, output: options.output || undefined });
      const quiet = options.onlyShowErrors === true;
      if (options.int8 !== true && (options.data ?? options.split) !== undefined)
        throw new UsageError(
          '--data and --split are for --int8: a copy in float32 needs no images',
          'add --int8, or leave them out',
        );
      const serving = await context.services.serving();
      const folder = await exportedFolder(context, options, word);
      const model = await serving.readModelFolder(folder);
      const output = place ?? usualPlace(options.name ?? word ?? '', model, options.int8 === true);
      const records = options.int8 ? await judgedBy(context, model, options) : null;
      const live = err.isTerminal && !quiet ? liveLine(err) : null;
      const interruption = onInterruption(() => live?.draw('  stopping; Ctrl-C again ends at once'));
      const { signal } = interruption;
      let exported: Exported;
      try {
        exported = await serving.exportModel(folder, {
          ...{ output, signal },
          ...(records && { int8: { records } }),
          onProgress: (stage, part) => live?.draw(`  ${stages[stage]} ${percent(part)}`),
        });
      } catch (error) {
        const exitCode = interruption.exitCode();
        throw exitCode === null ? error : new CommandFailure('stopped; nothing was exported', { exitCode });
      } finally {
        interruption.release();
        live?.close();
      }
      const { quantisation } = exported;
      if (write === null) out.write(`${lines(out, exported).join('\n')}\n`);
      await write?.(exported);
      if (quantisation && (quantisation.loss ?? 0) > NOTABLE_LOSS) err.write(`${warning(err, quantisation)}\n`);
    },
  });
  const result = made.options.find(({ long }) => long === '--output');
  if (result === undefined) throw new TypeError('the command has no --output');
  result.flags = '-o, --output <place or format>';
  result.description = `where it is written: a file that ends in .onnx, or a model folder; or how the result is told: ${outputFormats.join(', ')}`;
  result.argChoices = undefined;
  result.argParser((text: string, previous: unknown) => {
    if ((outputFormats as readonly string[]).includes(text)) return text;
    place = text;
    return previous;
  });
  return made;
}

/** The model folder that is meant: of a word, as other commands take it, or of a registered model. */
async function exportedFolder(
  context: Context,
  options: ExportCommandOptions & CommonOptions,
  word: string | undefined,
): Promise<string> {
  const { name, version, label } = options;
  const reference = word?.startsWith('azureml:') ? word : undefined;
  if ((word === undefined) === (name === undefined) || (name === undefined && (version ?? label) !== undefined)) {
    const hint =
      'fovea model export amber_lynx for that of a job, fovea model export --name pets --version 2 for a registered one';
    throw new UsageError(
      word === undefined && name === undefined ? 'which model?' : 'one model is exported at a time',
      hint,
    );
  }
  if (name === undefined && reference === undefined) return modelFolder(context, options, word ?? '');
  return withRegistry(context, options, async (registry) => {
    const row = await (reference === undefined
      ? registry.find('model', name ?? '', versionOf({ version, label }))
      : registry.resolve('model', reference));
    return registry.fetchModel(row);
  });
}

function usualPlace(name: string, { training, modelName }: Model, int8: boolean): string {
  const isPath = /[/\\]/.test(name) || name.startsWith('azureml:');
  const called = isPath ? String(training.job ?? modelName) : name;
  return `${called.replace(/[^\w.-]+/g, '_')}${int8 ? '-int8' : ''}.onnx`;
}

/** Labelled images: those of `--data`, or those that the job of the model was validated with. */
async function judgedBy(
  context: Context,
  model: Model,
  { data: given, split, onlyShowErrors, workspace }: ExportCommandOptions & CommonOptions,
) {
  const path = given ?? (await keptValidation(model, workspace));
  if (path === null) {
    throw new UsageError(
      'INT8 is calibrated with images, and there is no validation data that the job of this model kept',
      '--data pictures/ : some dozens of labelled images, of the kind that the model is for',
    );
  }
  const { err } = context.terminal;
  const quiet = onlyShowErrors === true;
  const data = await labelledData(context, path, { task: model.task });
  if (!quiet && given !== undefined) for (const note of data.notes) err.write(`  ${note}\n`);
  const asked = { split, labels: model.labels, quiet };
  const { records } = hasObjects(model.task)
    ? await judgedObjects(context, data, asked)
    : await judgedImages(context, data, asked);
  return records;
}

/**
 * The folder of the validation data that the job of a model kept: of the job or the trial that the model lies in, or, for a copy, of the
 * job of that name in the workspace.
 */
async function keptValidation({ folder, training }: Model, workspace: string): Promise<string | null> {
  const real = await realpath(folder);
  const jobs = [join(real, '../../..'), join(real, '../..')];
  if (typeof training.job === 'string' && /^[\w-]+$/.test(training.job))
    jobs.push(join(workspace, 'jobs', training.job));
  for (const job of jobs) {
    const kept = join(job, 'data', 'validation');
    const isThere = await stat(join(kept, 'MLTable')).catch(() => null);
    if (isThere?.isFile()) return kept;
  }
  return null;
}

function lines(out: Channel, { file, folder, about_file, about, bytes, quantisation }: Exported): string[] {
  const place = folder ?? file;
  const form = about.precision === 'int8' ? 'INT8' : 'float32';
  const head = [printable(shortPath(place)), `${about.model_name} in ${form}`, `${megabytes(bytes)} MB`].join(' · ');
  const said = [`  ${out.paint('green', '✓')} ${out.paint('bold', head)}`];
  if (quantisation) said.push('', ...comparison(quantisation), '');
  const { input, outputs, labels } = about;
  const entry = (name: string, text: string) => said.push(entryLine(out, name, text));
  entry('input', `${input.name} ${input.dtype} [${input.shape.join(', ')}], ${input.colours}`);
  for (const step of input.preparation) entry('', step);
  entry('', `mean ${input.mean.join(' ')}   std ${input.std.join(' ')}`);
  for (const [i, { name, shape, dtype, meaning }] of outputs.entries())
    entry(i === 0 ? 'output' : '', `${name} ${dtype} [${shape.join(', ')}]: ${meaning}`);
  entry('labels', shownLabels(labels));
  if (about_file !== null) entry('more', printable(shortPath(about_file)));
  else entry('try', `fovea predict ${printable(shortPath(place))} photo.jpg`);
  return said;
}

const MOST_LABELS = 12;

function shownLabels(labels: readonly string[]): string {
  const shown = labels.slice(0, MOST_LABELS).map(printable).join(', ');
  return labels.length > MOST_LABELS ? `${shown} … (${count(labels.length)})` : shown;
}

/** Both forms beside each other. */
function comparison(quantisation: Quantisation): string[] {
  const { before, after, images, loss, layers, method, calibration_images: calibrated } = quantisation;
  const metric = ({ primary }: typeof before) => (primary === null ? '–' : figure(primary));
  const size = ({ bytes }: typeof before) => `${megabytes(bytes)} MB`;
  const time = ({ milliseconds }: typeof before) => `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  const times = (larger: number, smaller: number) => `${(larger / smaller).toFixed(1)} ×`;
  const rows = [
    ['', 'float32', 'INT8', ''],
    [
      ...[metricWords(quantisation.primary_metric), metric(before), metric(after)],
      `${loss === null ? '' : `${points(-loss)} points, `}${counted(images, 'image')}`,
    ],
    ['size', size(before), size(after), `${times(before.bytes, after.bytes)} smaller`],
    [
      'an image',
      time(before),
      time(after),
      `${times(before.milliseconds, after.milliseconds)} as fast, in ONNX Runtime alone`,
    ],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const fit = ([name, a, b, rest]: string[]) =>
    `    ${name.padEnd(widths[0])}  ${a.padStart(widths[1])}  ${b.padStart(widths[2])}   ${rest}`.trimEnd();
  const float = layers.float > 0 ? `, ${layers.float} left in float32` : '';
  return [
    ...rows.map(fit),
    `    calibrated on ${counted(calibrated, 'image')} (${method}); ${counted(layers.int8, 'layer')} in INT8${float}`,
  ];
}

/** `−0.3`, of a hundred. */
function points(part: number): string {
  const text = Math.abs(100 * part).toFixed(1);
  return text === '0.0' ? '±0.0' : `${part < 0 ? '−' : '+'}${text}`;
}

function warning(err: Channel, { loss, primary_metric: metric, images }: Quantisation): string {
  return [
    `${err.paint('yellow', 'warning')} INT8 loses ${(100 * (loss ?? 0)).toFixed(1)} points of ${metricWords(metric)} on ${counted(images, 'image')}`,
    '        the export in float32 loses none; more images, or such as are nearer to what it will see, may help: --data',
  ].join('\n');
}
