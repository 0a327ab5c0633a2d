import type { ConfusionMatrix, EvaluationTables, LabelConfusionMatrices } from '../metrics/table-schema.ts';
import { type Html, html } from './html.ts';

/** Beyond this many classes a matrix is not read any more; the confusions that occur most are. */
const MOST_CLASSES = 25;
const MOST_CONFUSIONS = 30;

/** Which classes are taken for which: a coloured matrix, a list when there are many classes, counts when labels are independent. */
export function confusionTable(
  { data }: Pick<EvaluationTables['confusion_matrix'], 'data'>,
  counted: 'images' | 'objects' = 'images',
): Html {
  if ('matrices' in data) return labelDecisions(data);
  return data.class_labels.length > MOST_CLASSES ? frequentConfusions(data) : matrixTable(data, counted);
}

function matrixTable({ class_labels, matrix }: ConfusionMatrix, counted: string): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table>
<caption>Rows: what is true. Columns: what the model said. The stronger the colour, the larger the share of the row.${counted === 'objects' ? ' Background: in its column what was not found, in its row what was found where nothing is.' : ''}</caption>
<thead><tr><th scope="col">true \\ predicted</th>${class_labels.map((label) => html`<th scope="col"><bdi>${label}</bdi></th>`)}<th scope="col">${counted}</th></tr></thead>
<tbody>${matrix.map((row, i) => {
    const images = row.reduce((sum, count) => sum + count, 0);
    return html`<tr><th scope="row"><bdi>${class_labels[i]}</bdi></th>${row.map((count, j) => matrixCell(count, images, i === j))}<td>${images}</td></tr>
`;
  })}</tbody></table></div>`;
}

function matrixCell(count: number, images: number, right: boolean): Html {
  if (count === 0) return html`<td>0</td>`;
  const share = count / images;
  const kind = `${right ? 'hit' : 'miss'}${share > 0.5 ? ' strong' : ''}`;
  // Pale colours are hard to tell from none, so the least is a tenth.
  return html`<td class="${kind}" style="--share: ${Math.max(0.1, share).toFixed(2)}" title="${percent(share)}">${count}</td>`;
}

function frequentConfusions({ class_labels, matrix }: ConfusionMatrix): Html {
  const confusions = matrix.flatMap((row, i) => {
    const images = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, j) => (i !== j && count > 0 ? [{ i, j, count, share: count / images }] : []));
  });
  confusions.sort((a, b) => b.count - a.count || b.share - a.share);
  if (confusions.length === 0) return html`<p>No image was taken for another class.</p>`;
  const shown = confusions.slice(0, MOST_CONFUSIONS);
  return html`<table>
<caption>${
    confusions.length > shown.length
      ? `The ${shown.length} most frequent of ${confusions.length} confusions; confusion_matrix.json has all.`
      : 'All confusions, the most frequent first.'
  }</caption>
<thead><tr><th scope="col">true</th><th scope="col">predicted</th><th scope="col">images</th><th scope="col">of the class</th></tr></thead>
<tbody>${shown.map(
    ({
      i,
      j,
      count,
      share,
    }) => html`<tr><th scope="row"><bdi>${class_labels[i]}</bdi></th><td class="name"><bdi>${class_labels[j]}</bdi></td><td>${count}</td><td>${percent(share)}</td></tr>
`,
  )}</tbody></table>`;
}

function labelDecisions({ class_labels, matrices }: LabelConfusionMatrices): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Decisions of each label"><table>
<caption>An image may have several labels, so each label is decided by itself.</caption>
<thead><tr><th scope="col">label</th><th scope="col">found</th><th scope="col">missed</th><th scope="col">wrongly said</th><th scope="col">rightly not said</th></tr></thead>
<tbody>${matrices.map(
    (
      [[tn, fp], [fn, tp]],
      i,
    ) => html`<tr><th scope="row"><bdi>${class_labels[i]}</bdi></th>${matrixCell(tp, tp + fn, true)}${matrixCell(fn, tp + fn, false)}${matrixCell(fp, fp + tn, false)}${matrixCell(tn, fp + tn, true)}</tr>
`,
  )}</tbody></table></div>`;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
