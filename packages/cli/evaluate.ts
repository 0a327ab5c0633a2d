import type { Part } from '@fovea/data';
import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { exitCodes } from './failure.ts';
import { judgedImages } from './judged-images.ts';
import { labelledData } from './labelled-data.ts';
import { liveLine } from './live-line.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { count, counted, figure } from './quantities.ts';
import type { Services } from './services.ts';
import type { Channel } from './terminal.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Evaluation = Awaited<ReturnType<Serving['evaluate']>>;

interface EvaluateOptions {
  split?: string;
}

const splits = ['train', 'val', 'test'] as const;

/** `fovea evaluate <model> <data>`: on ONNX Runtime, as the served model answers. */
export function evaluateCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<EvaluateOptions>(context, {
    usage: 'evaluate <model> <data>',
    summary: 'say how good a trained model is on labelled images',
    about: [
      'The model is a model folder or the name of a job; the data is what fovea train takes. Of data with a split of its own',
      'the images for testing are judged, or those of --split. As JSON the result has all metrics, those of each class',
      '(classification_report) and the confusion matrix.',
    ].join('\n'),
    options: [{ flags: '--split <part>', text: 'which images of data that is split', choices: splits }],
    examples: [
      'fovea evaluate amber_lynx pictures/test',
      'fovea evaluate amber_lynx labels.csv --split val',
      'fovea evaluate amber_lynx labelled/ -o json --query metrics.accuracy',
    ],
    async run(options, [name = '', path = '']) {
      const write = await optionalWriter(out, options);
      const serving = await context.services.serving();
      const folder = await modelFolder(context, options, name);
      const model = await serving.loadModel(folder);
      try {
        const quiet = options.onlyShowErrors === true;
        const data = await labelledData(context, path, { task: model.task });
        if (!quiet) for (const note of data.notes) err.write(`  ${note}\n`);
        const { records, part } = await judgedImages(context, data, {
          split: options.split,
          labels: model.labels,
          quiet,
        });
        const evaluation = await withProgress(err, quiet, (onProgress) =>
          serving.evaluate(model, records, { onProgress }),
        );
        for (const { file, error } of evaluation.failures) {
          const told = error.includes(file) ? error : `${file}: ${error}`;
          err.write(`${err.paint('red', 'error')} ${printable(told)}\n`);
        }
        if (evaluation.failures.length > 0) {
          context.exitCode = exitCodes.failed;
          err.write(`${counted(evaluation.failures.length, 'image')} of ${count(records.length)} could not be read\n`);
        }
        const primary = model.task === 'image_classification_multilabel' ? 'iou' : 'accuracy';
        if (write === null) out.write(`${text(out, evaluation, { primary, part })}\n`);
        await write?.(
          {
            ...{
              model: folder,
              model_name: model.modelName,
              task: model.task,
              data: data.training,
              split: part ?? null,
            },
            ...{ images: evaluation.images, metrics: evaluation.metrics },
            ...{ classification_report: evaluation.report, confusion_matrix: evaluation.confusionMatrix },
          },
          Object.entries(evaluation.metrics).map(([metric, value]) => ({ metric, value })),
        );
      } finally {
        await model.close();
      }
    },
  });
}

async function withProgress<T>(
  err: Channel,
  quiet: boolean,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const live = err.isTerminal && !quiet ? liveLine(err) : null;
  try {
    return await work((done, total) => live?.draw(`  ${count(done)} of ${count(total)} images`));
  } finally {
    live?.close();
  }
}

/** The primary metric, each class, and all other metrics. */
function text(
  out: Channel,
  { images, metrics, report }: Evaluation,
  about: { primary: string; part?: Part | undefined },
): string {
  const value = (metric: number | null | undefined) => (typeof metric === 'number' ? figure(metric) : '–');
  const which = about.part === undefined ? '' : ` (${about.part})`;
  const title = `${about.primary} ${value(metrics[about.primary])} on ${counted(images, 'image')}${which}`;
  const head = ['', 'images', 'precision', 'recall', 'f1'];
  const rows = report.class_labels.map((label, i) => {
    const [precision, recall, f1, support] = report.matrix[i];
    return [printable(label), count(support ?? 0), value(precision), value(recall), value(f1)];
  });
  const others = Object.entries(metrics).map(([name, metric]) => [name, value(metric)]);
  return [`  ${out.paint('bold', title)}`, '', ...columns([head, ...rows]), '', ...columns(others)].join('\n');
}

/** Cells under each other, the first of each row to the left and the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const fit = (cell: string, column: number) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return rows.map((row) => `    ${row.map(fit).join('  ')}`.trimEnd());
}
