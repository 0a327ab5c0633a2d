import type { DetectionTables } from '../metrics/index.ts';
import { MOST_CLASSES, recallPoints, share, TOGETHER } from './evaluation-charts.ts';
import { figureText } from './figure-text.ts';
import { type Html, html } from './html.ts';
import { legend, lineChart } from './line-chart.ts';

/** Precision over recall of each class, or of those found worst where they are too many. */
export function detectionCharts({ per_label_metrics, precision_recall_curve }: DetectionTables): Html {
  const { class_labels: labels, curves, micro } = precision_recall_curve.data;
  const { matrix, columns } = per_label_metrics.data;
  const [precision, objects] = [columns.indexOf('average_precision'), columns.indexOf('objects')];
  const shown = [...labels.keys()]
    .filter((index) => labels.length <= MOST_CLASSES || matrix[index][objects] !== 0)
    .sort((a, b) => (labels.length <= MOST_CLASSES ? a - b : (matrix[a][precision] ?? 0) - (matrix[b][precision] ?? 0)))
    .slice(0, MOST_CLASSES);
  const inWords = shown.map((index) => `${labels[index]} ${figureText(matrix[index][precision])}`).join(', ');
  const together = recallPoints(micro);
  return html`${
    labels.length > shown.length
      ? html`<p class="quiet">Of ${labels.length} classes the ${shown.length} with the lowest average precision are drawn; the files beside this page have all.</p>`
      : null
  }
${legend([TOGETHER, ...shown.map((index) => labels[index])])}
<div class="charts">${lineChart({
    title: 'Precision and recall',
    description: `Precision over the share of all objects that are found. Average precision: ${inWords}.`,
    x: share('recall'),
    y: share('precision'),
    series: [
      ...(together ? [{ name: TOGETHER, style: 0, points: together, dots: false }] : []),
      ...shown.flatMap((index, i) => {
        const points = recallPoints(curves[index]);
        return points ? [{ name: labels[index], style: i + 1, points, dots: false }] : [];
      }),
    ],
  })}</div>`;
}

/** The figures of each class. */
export function detectionClassTable({ data }: DetectionTables['per_label_metrics']): Html {
  const { class_labels, columns, matrix, iou_threshold } = data;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures of each class"><table>
<caption>An object is found where a detection of its class overlaps it (IoU) by ${iou_threshold} or more. –: not defined, as for a class that has no object.</caption>
<thead><tr><th scope="col">class</th>${columns.map((column) => html`<th scope="col">${column.replaceAll('_', ' ')}</th>`)}</tr></thead>
<tbody>${matrix.map(
    (row, i) =>
      html`<tr><th scope="row"><bdi>${class_labels[i]}</bdi></th>${row.map((value) => html`<td>${figureText(value)}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}
