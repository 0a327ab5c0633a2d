import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  readXaiParameters,
  XAI_ALGORITHMS,
  XAI_APPROXIMATIONS,
  type XaiAlgorithm,
  type XaiParameters,
  xaiProblem,
} from '@fovea/automl/explanation-parameters';
import { type Command, InvalidArgumentError } from 'commander';
import { type CommonOptions, type Context, command, positiveInteger } from './command.ts';
import { type Explains, explainedImages } from './explained-images.ts';
import { explanationPictures } from './explanation-pictures.ts';
import { CommandFailure, exitCodes, UsageError } from './failure.ts';
import { imageArguments } from './image-arguments.ts';
import { onInterruption } from './interruption.ts';
import { liveLine } from './live-line.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { count, counted } from './quantities.ts';

interface ExplainOptions extends CommonOptions {
  algorithm?: XaiAlgorithm;
  steps?: number;
  full?: boolean;
  approximation?: XaiParameters['approximation_method'];
  threshold?: number;
  top?: number;
  pictures?: string;
  attributions?: boolean;
}

/** Which algorithms an option is for. */
const belongsTo = {
  steps: ['xrai', 'integrated_gradients'],
  full: ['xrai'],
  approximation: ['integrated_gradients'],
} as const satisfies Partial<Record<keyof ExplainOptions, readonly XaiAlgorithm[]>>;

/** Reads a number that a parameter of explanations may be. */
const parameter = (key: keyof XaiParameters) => (text: string) => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const problem = xaiProblem(key, value);
  if (problem === null) return value;
  throw new InvalidArgumentError(`It ${problem}.`);
};

/** `fovea explain <model> <images...>`: what a model looked at, on the engine of training. */
export function explainCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<ExplainOptions>(context, {
    usage: 'explain <model> <images...>',
    server: 'asked',
    summary: 'show which parts of images a trained model looked at',
    about: [
      'The model is a model folder or the name of a job; an image is a file, a folder of images or a quoted pattern.',
      'Each picture shows the image, what speaks for the answer (from blue, little, over green and yellow to white, most), that over',
      'the image, and the most important 30 % of it. The likeliest class is explained, of a model with several labels an image each',
      'that reaches --threshold, and of a model that finds objects each of the surest --top ones.',
      'xrai rates whole regions and takes seconds, integrated_gradients rates pixels exactly; guided_gradcam and guided_backprop are fast.',
      'As JSON each image is {file, probs, labels, explanations}, or {file, explanations} with boxes of objects; --attributions adds',
      'the numbers.',
    ].join('\n'),
    options: [
      {
        flags: '--algorithm <name>',
        text: `${XAI_ALGORITHMS.join(', ')} (xrai when left out)`,
        choices: XAI_ALGORITHMS,
      },
      {
        flags: '--steps <n>',
        text: 'of xrai and integrated_gradients: points on the way to the image (50 when left out)',
        read: parameter('n_steps'),
      },
      { flags: '--full', text: 'of xrai: as exact as it can be, and slower' },
      {
        flags: '--approximation <rule>',
        text: `of integrated_gradients: ${XAI_APPROXIMATIONS.join(', ')} (riemann_middle when left out)`,
        choices: XAI_APPROXIMATIONS,
      },
      {
        flags: '--threshold <p>',
        text: 'of models with several labels: which are explained (from 0.5 on when left out)',
        read: parameter('confidence_score_threshold_multilabel'),
      },
      {
        flags: '--top <k>',
        text: 'of models that find objects: so many are explained (5 when left out)',
        read: positiveInteger,
      },
      { flags: '--pictures <folder>', text: 'where to draw; explanations in the workspace when left out' },
      {
        flags: '--attributions',
        text: 'numbers of each pixel in the result, and no pictures unless --pictures asks for them',
      },
    ],
    examples: [
      'fovea explain amber_lynx photo.jpg',
      'fovea explain azureml:pets@latest photos/ --algorithm guided_gradcam --pictures why/',
      'fovea explain amber_lynx photo.jpg --algorithm integrated_gradients --steps 100 --attributions -o json',
    ],
    async run(options, [name = '', ...words]) {
      const write = await optionalWriter(out, options);
      if (options.attributions && write === null)
        throw new UsageError('--attributions are numbers for programs', 'add -o json, or leave them out');
      const parameters = parametersOf(options);
      const files = await imageArguments(words);
      const folder = await modelFolder(context, options, name);
      const quiet = options.onlyShowErrors === true;
      const live = err.isTerminal && !quiet ? liveLine(err) : null;
      const interruption = onInterruption(() => live?.draw('  stopping; Ctrl-C again ends at once'));
      const told = (line: string) => (live ? live.print(line) : err.write(`${line}\n`));
      let [done, refused] = [0, 0];
      const results: object[] = [];
      const rows: Record<string, unknown>[] = [];
      try {
        live?.draw('  loading the model …');
        const explains = await openFor(context, folder, options);
        try {
          const asked = options.pictures ?? (options.attributions ? null : join(options.workspace, 'explanations'));
          const pictures = asked === null ? null : explanationPictures(asked, files);
          const work = { files, parameters, pictures, top: options.top, signal: interruption.signal };
          const onBegin = (file: string) =>
            live?.draw(
              fitted(`  explaining ${count(done + 1)} of ${count(files.length)}: ${printable(file)}`, err.columns()),
            );
          for await (const explained of explainedImages(explains, { ...work, onBegin })) {
            done++;
            results.push(explained.result);
            rows.push(...explained.rows);
            if (explained.error !== null) {
              refused++;
              told(`${err.paint('red', 'error')} ${printable(explained.error)}`);
            } else if (write === null) {
              live?.clear();
              out.write(`${explained.lines.join('\n')}\n`);
            }
          }
        } finally {
          explains.close();
        }
      } catch (error) {
        const exitCode = interruption.exitCode();
        if (exitCode === null) throw error;
        throw new CommandFailure(`stopped; ${counted(done, 'image')} of ${count(files.length)} explained`, {
          exitCode,
        });
      } finally {
        interruption.release();
        live?.close();
      }
      await write?.(results, rows);
      if (refused === 0) return;
      context.exitCode = exitCodes.failed;
      if (files.length > 1) err.write(`${counted(refused, 'image')} of ${count(files.length)} could not be read\n`);
    },
  });
}

const fitted = (line: string, columns: number) => line.slice(0, columns - 1);

/** @throws UsageError for an option that the algorithm has no use for */
function parametersOf({ algorithm, steps, full, approximation, threshold, attributions, pictures }: ExplainOptions) {
  const parameters = readXaiParameters({
    ...(algorithm !== undefined && { xai_algorithm: algorithm }),
    ...(steps !== undefined && { n_steps: steps }),
    ...(full && { xrai_fast: false }),
    ...(approximation !== undefined && { approximation_method: approximation }),
    ...(threshold !== undefined && { confidence_score_threshold_multilabel: threshold }),
    ...{ attributions: attributions === true, visualizations: !attributions || pictures !== undefined },
  });
  const given = { steps, full, approximation };
  for (const [option, algorithms] of Object.entries(belongsTo)) {
    const isGiven = given[option as keyof typeof given] !== undefined;
    if (isGiven && !(algorithms as readonly string[]).includes(parameters.xai_algorithm))
      throw new UsageError(
        `--${option} is for ${algorithms.join(' and ')}, not for ${parameters.xai_algorithm}`,
        'leave it out',
      );
  }
  return parameters;
}

/** @throws UsageError for an option that models of this kind have no use for */
async function openFor(context: Context, folder: string, options: ExplainOptions): Promise<Explains> {
  const { readModelFolder, openExplainer, openObjectExplainer } = await context.services.explanations();
  const { task } = await readModelFolder(folder);
  const engine = { threads: availableParallelism() };
  const refuse = (given: readonly (keyof ExplainOptions)[], what: string) => {
    const option = given.find((key) => options[key] !== undefined);
    if (option !== undefined) throw new UsageError(`--${option} is for models that ${what}`, 'leave it out');
  };
  if (task === 'image_object_detection' || task === 'image_instance_segmentation') {
    refuse(
      ['algorithm', 'steps', 'full', 'approximation'],
      'classify whole images; what is found is explained in one way',
    );
    refuse(['threshold'], 'give an image several labels');
    return { kind: 'objects', ...(await openObjectExplainer(folder, engine)) };
  }
  refuse(['top'], 'find objects');
  if (task === 'image_classification') refuse(['threshold'], 'give an image several labels');
  return { kind: 'classes', ...(await openExplainer(folder, engine)) };
}
