import type { CalibrationBin } from '../metrics/calibration.ts';
import type { EvaluationTables } from '../metrics/table-schema.ts';
import { figureText } from './figure-text.ts';
import { type Html, html } from './html.ts';
import { type Axis, legend, lineChart, type Series } from './line-chart.ts';

/** More lines than this cannot be told apart in one chart. */
export const MOST_CLASSES = 7;

export const TOGETHER = 'all classes together';

type Points = readonly (readonly [number, number | null])[];

/** ROC, precision–recall, gain, lift and calibration of the same classes in the same line styles. */
export function evaluationCharts(tables: EvaluationTables): Html {
  const labels = tables.roc_curve.data.class_labels;
  const shown = shownClasses(tables);
  const names = shown.map((index) => labels[index]);
  /** One line per class shown, after that of all classes where there is one. */
  const lines = (together: Points | null, of: (index: number) => Points | null, dots = false): Series[] => [
    ...(together ? [{ name: TOGETHER, style: 0, points: together, dots }] : []),
    ...shown.flatMap((index, i) => {
      const points = of(index);
      return points ? [{ name: labels[index], style: i + 1, points, dots }] : [];
    }),
  ];
  const { roc_curve, precision_recall_curve, cumulative_gains, lift, calibration, classification_report } = tables;
  const { matrix, columns } = classification_report.data;
  /** The classes' figures in words, for those who do not see the lines. */
  const inWords = (column: (typeof columns)[number]): string =>
    `${column}: ${shown.map((index) => `${labels[index]} ${figureText(matrix[index][columns.indexOf(column)])}`).join(', ')}.`;
  const lifts = lift.data.lifts.flatMap((ofClass) => ofClass ?? []);
  const ece = calibration.data.expected_calibration_error;
  return html`${
    labels.length > shown.length
      ? html`<p class="quiet">Of ${labels.length} classes the ${shown.length} with the lowest F1 are drawn; the files beside this page have all.</p>`
      : null
  }
${legend([TOGETHER, ...names])}
<div class="charts">${lineChart({
    title: 'ROC',
    description: `True positive rate over false positive rate. ${inWords('AUC')}`,
    x: share('false positive rate'),
    y: share('true positive rate'),
    baseline: [
      [0, 0],
      [1, 1],
    ],
    series: lines(rocPoints(roc_curve.data.micro), (index) => rocPoints(roc_curve.data.curves[index])),
  })}
${lineChart({
  title: 'Precision and recall',
  description: `Precision over recall. ${inWords('average_precision')}`,
  x: share('recall'),
  y: share('precision'),
  series: lines(recallPoints(precision_recall_curve.data.micro), (index) =>
    recallPoints(precision_recall_curve.data.curves[index]),
  ),
})}
${lineChart({
  title: 'Cumulative gain',
  description: 'Share of a class that is found among the images with its highest scores.',
  x: percentAxis,
  y: share('share of the class found'),
  baseline: [
    [0, 0],
    [100, 1],
  ],
  series: lines(null, (index) => cutPoints(cumulative_gains.data.percent, cumulative_gains.data.gains[index], 0)),
})}
${lineChart({
  title: 'Lift',
  description: 'How many times more often a class is found among the images with its highest scores than among all.',
  x: percentAxis,
  y: { label: 'lift', from: 0, to: lifts.reduce((most, value) => Math.max(most, value), 1) * 1.05 },
  baseline: [
    [0, 1],
    [100, 1],
  ],
  series: lines(null, (index) => cutPoints(lift.data.percent, lift.data.lifts[index], null)),
})}
${lineChart({
  title: 'Calibration',
  description: `How often a class is true where its score is so high.${
    ece === null ? '' : ` Expected calibration error: ${figureText(ece)}.`
  }`,
  x: share('mean score'),
  y: share('share that is true'),
  baseline: [
    [0, 0],
    [1, 1],
  ],
  series: lines(
    calibrationPoints(pooled(calibration.data.bins)),
    (index) => calibrationPoints(calibration.data.bins[index]),
    true,
  ),
})}</div>`;
}

/** All classes, or those that do worst where they are too many. */
function shownClasses({ classification_report: { data } }: EvaluationTables): number[] {
  const all = data.class_labels.map((_, index) => index);
  if (all.length <= MOST_CLASSES) return all;
  const [f1, support] = [data.columns.indexOf('f1-score'), data.columns.indexOf('support')];
  return all
    .filter((index) => data.matrix[index][support] !== 0)
    .sort((a, b) => (data.matrix[a][f1] ?? 0) - (data.matrix[b][f1] ?? 0))
    .slice(0, MOST_CLASSES);
}

export const share = (label: string): Axis => ({ label, from: 0, to: 1 });
const percentAxis: Axis = { label: 'images looked at, in percent', from: 0, to: 100 };

const rocPoints = (curve: EvaluationTables['roc_curve']['data']['micro']): Points | null =>
  curve?.fpr.map((x, i) => [x, curve.tpr[i]] as const) ?? null;

export const recallPoints = (curve: EvaluationTables['precision_recall_curve']['data']['micro']): Points | null =>
  curve?.recall.map((x, i) => [x, curve.precision[i]] as const) ?? null;

/** @param start value when no image has been looked at, or null when that has none */
const cutPoints = (percent: readonly number[], values: readonly number[] | null, start: number | null): Points | null =>
  values && [[0, start] as const, ...values.map((value, i) => [percent[i], value] as const)];

const calibrationPoints = (bins: readonly CalibrationBin[]): Points =>
  bins.flatMap(({ mean_predicted, fraction_positive }) =>
    mean_predicted === null ? [] : [[mean_predicted, fraction_positive] as const],
  );

/** The bins of all classes as if they were one. */
function pooled(classes: readonly (readonly CalibrationBin[])[]): CalibrationBin[] {
  return classes[0].map(({ bin }) => {
    const same = classes.map((bins) => bins[bin]);
    const count = same.reduce((sum, each) => sum + each.count, 0);
    const mean = (of: (each: CalibrationBin) => number | null): number | null =>
      count === 0 ? null : same.reduce((sum, each) => sum + each.count * (of(each) ?? 0), 0) / count;
    return {
      bin,
      count,
      mean_predicted: mean((each) => each.mean_predicted),
      fraction_positive: mean((each) => each.fraction_positive),
    };
  });
}
