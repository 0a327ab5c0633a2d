import type { Part } from '@fovea/data';
import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { exitCodes } from './failure.ts';
import { judgedImages, judgedObjects } from './judged-images.ts';
import { labelledData } from './labelled-data.ts';
import { liveLine } from './live-line.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { count, counted, figure } from './quantities.ts';
import type { Services } from './services.ts';
import { metricWords } from './step-line.ts';
import type { Channel } from './terminal.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Evaluation = Awaited<ReturnType<Serving['evaluate']>>;
type ObjectEvaluation = Awaited<ReturnType<Serving['evaluateObjects']>>;
type Detector = Parameters<Serving['evaluateObjects']>[0];
type Classifier = Parameters<Serving['evaluate']>[0];

interface EvaluateOptions {
  split?: string;
}

const splits = ['train', 'val', 'test'] as const;

/** `fovea evaluate <model> <data>`: on ONNX Runtime, as the served model answers. */
export function evaluateCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<EvaluateOptions>(context, {
    usage: 'evaluate <model> <data>',
    server: 'asked',
    summary: 'say how good a trained model is on labelled images',
    about: [
      'The model is a model folder or the name of a job; the data is what fovea train takes. Of data with a split of its own',
      'the images for testing are judged, or those of --split. Of a model that finds masks the overlap of masks is judged. As JSON',
      'the result has all metrics, those of each class (classification_report; per_label_metrics of objects) and the confusion matrix.',
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
      const model = await serving.openModel(folder);
      try {
        const quiet = options.onlyShowErrors === true;
        const data = await labelledData(context, path, { task: model.task });
        if (!quiet) for (const note of data.notes) err.write(`  ${note}\n`);
        const asked = { split: options.split, labels: model.labels, quiet };
        const judged =
          model.task === 'image_object_detection' || model.task === 'image_instance_segmentation'
            ? await objects(model, asked)
            : await labels(model, asked);
        const { part, evaluation } = judged;
        const { failures } = evaluation;
        for (const { file, error } of failures) {
          const told = error.includes(file) ? error : `${file}: ${error}`;
          err.write(`${err.paint('red', 'error')} ${printable(told)}\n`);
        }
        if (failures.length > 0) {
          context.exitCode = exitCodes.failed;
          const all = evaluation.images + failures.length;
          err.write(`${counted(failures.length, 'image')} of ${count(all)} could not be read\n`);
        }
        if (write === null) out.write(`${text(out, evaluation, { ...judged, part })}\n`);
        await write?.(
          {
            ...{
              model: folder,
              model_name: model.modelName,
              task: model.task,
              data: data.training,
              split: part ?? null,
            },
            ...{ images: evaluation.images, metrics: evaluation.metrics, ...judged.details },
          },
          Object.entries(evaluation.metrics).map(([metric, value]) => ({ metric, value })),
        );

        async function labels(classifier: Classifier, asking: typeof asked): Promise<Judgement> {
          const { records, part } = await judgedImages(context, data, asking);
          const evaluation = await withProgress(err, quiet, (onProgress) =>
            serving.evaluate(classifier, records, { onProgress }),
          );
          const { report, confusionMatrix } = evaluation;
          return {
            ...{ evaluation, part, primary: model.task === 'image_classification_multilabel' ? 'iou' : 'accuracy' },
            table: classTable(report),
            details: { classification_report: report, confusion_matrix: confusionMatrix },
          };
        }

        async function objects(detector: Detector, asking: typeof asked): Promise<Judgement> {
          const { records, part } = await judgedObjects(context, data, asking);
          const evaluation = await withProgress(err, quiet, (onProgress) =>
            serving.evaluateObjects(detector, records, { onProgress }),
          );
          const { perLabel, confusionMatrix, iouThreshold } = evaluation;
          return {
            ...{ evaluation, part, primary: 'mean_average_precision' },
            table: objectTable(evaluation),
            details: {
              iou_threshold: iouThreshold,
              per_label_metrics: perLabel.map(({ averagePrecision, ...rest }) => ({
                ...{ label: rest.label, average_precision: averagePrecision, precision: rest.precision },
                ...{ recall: rest.recall, objects: rest.objects, detections: rest.detections },
              })),
              confusion_matrix: confusionMatrix,
            },
          };
        }
      } finally {
        await model.close();
      }
    },
  });
}

/** What is said of an evaluation of any kind. */
interface Judgement {
  readonly evaluation: Pick<Evaluation, 'images' | 'metrics' | 'failures'>;
  readonly part: Part | undefined;
  readonly primary: string;
  /** Each class, under a head. */
  readonly table: readonly (readonly string[])[];
  /** What only JSON says. */
  readonly details: Readonly<Record<string, unknown>>;
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
  { images, metrics }: Judgement['evaluation'],
  { primary, part, table }: Pick<Judgement, 'primary' | 'part' | 'table'>,
): string {
  const which = part === undefined ? '' : ` (${part})`;
  const title = `${metricWords(primary)} ${value(metrics[primary])} on ${counted(images, 'image')}${which}`;
  const others = Object.entries(metrics).map(([name, metric]) => [name, value(metric)]);
  return [`  ${out.paint('bold', title)}`, '', ...columns(table), '', ...columns(others)].join('\n');
}

const value = (metric: number | null | undefined) => (typeof metric === 'number' ? figure(metric) : '–');

function classTable({ class_labels, matrix }: Evaluation['report']): string[][] {
  const rows = class_labels.map((label, i) => {
    const [precision, recall, f1, support] = matrix[i];
    return [printable(label), count(support ?? 0), value(precision), value(recall), value(f1)];
  });
  return [['', 'images', 'precision', 'recall', 'f1'], ...rows];
}

function objectTable({ perLabel, iouThreshold }: ObjectEvaluation): string[][] {
  const rows = perLabel.map(({ label, objects, detections, precision, recall, averagePrecision }) => [
    ...[printable(label), count(objects), count(detections), value(precision), value(recall), value(averagePrecision)],
  ]);
  return [['', 'objects', 'found', 'precision', 'recall', `AP at ${iouThreshold}`], ...rows];
}

/** Cells under each other, the first of each row to the left and the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const fit = (cell: string, column: number) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return rows.map((row) => `    ${row.map(fit).join('  ')}`.trimEnd());
}
