import { join } from 'node:path';
import type { Command } from 'commander';
import { type Context, command, positiveInteger } from './command.ts';
import { exitCodes, UsageError } from './failure.ts';
import { imageArguments } from './image-arguments.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter, type ResultWriter } from './output.ts';
import { predictObjects } from './predict-objects.ts';
import { printable } from './printable.ts';
import { count, counted } from './quantities.ts';
import type { Services } from './services.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Model = Awaited<ReturnType<Serving['loadModel']>>;

/** One image's answer as a deployed model would give it, or why there is none, and the file that it is about. */
type Answer = { file: string } & Awaited<ReturnType<Model['predict']>>[number];

type Ranked = ReturnType<Serving['topLabels']>[number];

const shownClasses = 5;
const answeredTogether = 64;

/** `fovea predict <model> <images...>`: on ONNX Runtime, without the training engine. */
export function predictCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<{ top?: number; pictures?: string }>(context, {
    usage: 'predict <model> <images...>',
    server: 'asked',
    summary: 'say what a trained model sees in images',
    about: [
      'The model is a model folder or the name of a job; an image is a file, a folder of images or a quoted pattern.',
      'A model with several labels an image marks those that it gives a probability of one half or more.',
      'As JSON each image is {file, probs, labels}: all classes in the order of the model, or with --top the likeliest first.',
      'A model that finds objects gives {file, boxes}, corners in shares of width and height, the surest first; one of masks also the',
      'polygons of each. All is drawn on a copy of each picture, in --pictures or, where the answer is text, in the folder predictions',
      'of the workspace.',
      'An image that cannot be read is {file, error}; the others are answered, and the exit code is 1.',
    ].join('\n'),
    options: [
      {
        flags: '--top <k>',
        text: `so many of the likeliest classes (text and table: ${shownClasses})`,
        read: positiveInteger,
      },
      { flags: '--pictures <folder>', text: 'where to draw the objects that are found' },
    ],
    examples: [
      'fovea predict amber_lynx photo.jpg',
      'fovea predict .fovea/jobs/amber_lynx/outputs/mlflow-model photos/ --top 1 -o table',
      "fovea predict amber_lynx 'photos/*.jpg' -o json",
    ],
    async run(options, [name = '', ...words]) {
      const write = await optionalWriter(out, options);
      const files = await imageArguments(words);
      const serving = await context.services.serving();
      const model = await serving.openModel(await modelFolder(context, options, name));
      const tell = ({ file, error }: { file: string; error: string }): void => {
        const told = error.includes(file) ? error : `${file}: ${error}`;
        err.write(`${err.paint('red', 'error')} ${printable(told)}\n`);
      };
      let refused: number;
      try {
        if (model.task === 'image_object_detection' || model.task === 'image_instance_segmentation') {
          if (options.top !== undefined)
            throw new UsageError('--top is for models that classify whole images', 'leave it out');
          const usual = write === null ? join(options.workspace, 'predictions') : null;
          const pictures = options.pictures ?? usual;
          refused = await predictObjects({ context, model, files, write, pictures, tell });
        } else {
          if (options.pictures !== undefined)
            throw new UsageError('--pictures is for models that find objects', 'leave it out');
          refused = await predictClasses({ context, model, files, write, top: options.top, tell });
        }
      } finally {
        await model.close();
      }
      if (refused > 0) {
        context.exitCode = exitCodes.failed;
        if (files.length > 1) err.write(`${counted(refused, 'image')} of ${count(files.length)} could not be read\n`);
      }
    },
  });
}

interface Predictions {
  readonly context: Context;
  readonly model: Model;
  readonly files: readonly string[];
  /** Null: text for people. */
  readonly write: ResultWriter | null;
  readonly top: number | undefined;
  readonly tell: (answer: { file: string; error: string }) => void;
}

/** Says what a classifier sees, image after image. @returns how many images could not be read */
async function predictClasses({ context, model, files, write, top, tell }: Predictions): Promise<number> {
  const { out } = context.terminal;
  const serving = await context.services.serving();
  // Labels that do not exclude each other: which of them the image has is a question of each alone.
  const threshold = model.task === 'image_classification_multilabel' ? serving.LABEL_THRESHOLD : undefined;
  const answers: Answer[] = [];
  for await (const answer of answered(model, files)) {
    answers.push(answer);
    if ('error' in answer) {
      tell(answer);
    } else if (write === null) {
      const safe = { probs: answer.probs, labels: answer.labels.map(printable) };
      const shown = { ...(top && { top }), ...(threshold && { threshold }) };
      out.write(`${serving.formatPrediction(printable(answer.file), safe, shown)}\n`);
    }
  }
  const likeliest = (answer: Answer, atMost: number) => ('error' in answer ? [] : serving.topLabels(answer, atMost));
  await write?.(
    top === undefined ? answers : answers.map((answer) => withBest(answer, likeliest(answer, top))),
    answers.flatMap((answer) => tableRows(answer, likeliest(answer, top ?? shownClasses), threshold)),
  );
  return answers.filter((answer) => 'error' in answer).length;
}

/** The answer with the given labels only. */
function withBest(answer: Answer, best: readonly Ranked[]): Answer {
  if ('error' in answer) return answer;
  return {
    file: answer.file,
    probs: best.map(({ probability }) => probability),
    labels: best.map(({ label }) => label),
  };
}

function tableRows(answer: Answer, best: readonly Ranked[], threshold?: number): Record<string, unknown>[] {
  if ('error' in answer) return [{ ...answer }];
  return best.map(({ label, probability }) => ({
    file: answer.file,
    label,
    probability: Number(probability.toFixed(4)),
    ...(threshold !== undefined && { given: probability >= threshold }),
  }));
}

/** Answers in the order of the files, some at a time, so that the first are seen while the others are worked on. */
async function* answered(model: Model, files: readonly string[]): AsyncGenerator<Answer> {
  for (let start = 0; start < files.length; start += answeredTogether) {
    const some = files.slice(start, start + answeredTogether);
    const answers = await model.predict(some);
    for (const [index, answer] of answers.entries()) yield { file: some[index], ...answer };
  }
}
