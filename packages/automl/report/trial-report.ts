import type { EpochRecord } from '../job/job-record.ts';
import type { DetectionTables } from '../metrics/index.ts';
import type { ClassificationReport, EvaluationTables } from '../metrics/table-schema.ts';
import { confusionTable } from './confusion-table.ts';
import { detectionCharts, detectionClassTable } from './detection-charts.ts';
import { epochCharts } from './epoch-charts.ts';
import { evaluationCharts } from './evaluation-charts.ts';
import { figureText } from './figure-text.ts';
import { Html, html } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';

/** What the page of a finished trial is made of. */
export interface TrialReport {
  trial: string;
  modelName: string;
  primaryMetric: string;
  bestEpoch: number;
  /** Each evaluation, in the order of epochs; one of them is the best. */
  epochs: readonly EpochRecord[];
  /** Of the best epoch. */
  tables: EvaluationTables | DetectionTables;
}

/**
 * A page that shows how a trial went: its metrics and their course, which classes are confused, the curves, and figures of each class.
 * One file that runs no script and loads nothing; readable in light and dark; charts carry descriptions, names are never markup.
 *
 * @returns an HTML document
 */
export function trialReport({ trial, modelName, primaryMetric, bestEpoch, epochs, tables }: TrialReport): string {
  const best = epochs.find(({ epoch }) => epoch === bestEpoch)?.metrics ?? {};
  const score = figureText(best[primaryMetric]);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${trial}: ${primaryMetric} ${score}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<main>
<h1>${trial}</h1>
<p>${modelName} · ${primaryMetric} <strong>${score}</strong> in epoch ${bestEpoch}, the best of ${epochs.length} evaluated</p>
<h2>Metrics</h2>
<p class="quiet">Of the best epoch, on the validation images. What these images do not define is left out.</p>
<dl class="scores">
${Object.entries(best).map(
  ([name, value]) =>
    html`<div${name === primaryMetric ? html` class="primary"` : null}><dt>${name}</dt><dd>${figureText(value)}</dd></div>
`,
)}</dl>
<h2>Over the epochs</h2>
${epochCharts(epochs, bestEpoch, primaryMetric)}
<h2>What is taken for what</h2>
${confusionTable(tables.confusion_matrix, 'classification_report' in tables ? 'images' : 'objects')}
<h2>Curves</h2>
${'classification_report' in tables ? evaluationCharts(tables) : detectionCharts(tables)}
<h2>Each class</h2>
${
  'classification_report' in tables
    ? classTable(tables.classification_report.data)
    : detectionClassTable(tables.per_label_metrics)
}
</main>
</body>
</html>
`.markup;
}

function classTable({ class_labels, average, columns, matrix }: ClassificationReport): Html {
  const names = [...class_labels, ...average];
  const rows = matrix.map(
    (
      row,
      i,
    ) => html`<tr><th scope="row"><bdi>${names[i]}</bdi></th>${row.map((value) => html`<td>${figureText(value)}</td>`)}</tr>
`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures of each class"><table>
<caption>Support: how many images have the class. –: not defined, as for a class that no image has.</caption>
<thead><tr><th scope="col">class</th>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.slice(0, class_labels.length)}</tbody>
<tfoot>${rows.slice(class_labels.length)}</tfoot></table></div>`;
}
