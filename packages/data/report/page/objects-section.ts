import type { DataReport } from '../data-report.ts';
import { LOST_SIDE, type ObjectCount, USUAL_LONGER_SIDE } from '../object-statistics.ts';
import { countBar } from './charts.ts';
import { html, Markup } from './markup.ts';
import { limits } from './sections.ts';

/** Images with more objects than this stand in one row. */
const MOST_ROWS = 12;

/** How many objects there are, of which class and size; nothing for a set without objects. */
export function objectsSection({ objects, has_validation }: DataReport): Markup | null {
  if (objects === null) return null;
  const ordered = objects.classes.toSorted((a, b) => b.training - a.training || a.name.localeCompare(b.name));
  const most = Math.max(1, ...ordered.map(({ training, validation }) => training + validation));
  const cell = (value: number) => html`<td class="number">${count(value)}</td>`;
  const row = ({ name, training, validation, small, medium, large }: ObjectCount) =>
    html`<tr><th scope="row"><bdi>${name}</bdi></th>${cell(training)}${has_validation ? cell(validation) : null}<td class="barcell">${countBar(training, validation, most)}</td>${[small, medium, large].map(cell)}</tr>`;
  const head = ['class', 'training', ...(has_validation ? ['validation'] : []), '', 'small', 'medium', 'large'];
  const spread = (name: string, of: typeof objects.width, unit: (value: number) => string = count) =>
    html`<tr><th scope="row">${name}</th>${[of.smallest, of.median, of.largest].map((value) => html`<td class="number">${unit(value)}</td>`)}</tr>`;
  const numbers = byNumber(objects.images_by_number_of_objects);
  const mostImages = Math.max(1, ...numbers.map(([, images]) => images));
  const left = ordered.length - limits.classes;
  return html`<div class="scroll"><table class="classes objects"><caption>Objects of each class; of an area below 32² pixels (small), above 96² (large), and between, as COCO has them</caption>
<thead><tr>${head.map((name, i) => html`<th scope="col"${i === 0 ? null : new Markup(' class="number"')}>${name}</th>`)}</tr></thead><tbody>${ordered.slice(0, limits.classes).map(row)}</tbody></table></div>${left > 0 ? html`<p class="dim">${count(left)} more classes are in the JSON report.</p>` : null}
<div class="side"><table><caption>Images by the number of their objects</caption><tbody>${numbers.map(([name, images]) => html`<tr><th scope="row">${name}</th>${cell(images)}<td class="barcell">${countBar(images, 0, mostImages)}</td></tr>`)}</tbody></table>
<table><caption>Boxes</caption><thead><tr><td></td><th scope="col">smallest</th><th scope="col">median</th><th scope="col">largest</th></tr></thead><tbody>${spread('width in pixels', objects.width)}${spread('height in pixels', objects.height)}${spread('width by height', objects.aspect, (value) => value.toFixed(2))}${spread('share of the image', objects.share, (value) => `${(100 * value).toFixed(1)} %`)}</tbody></table>
<table><caption>Counted</caption><tbody><tr><th scope="row">at the edge of their image</th>${cell(objects.at_edge)}</tr><tr><th scope="row">crowds, or difficult</th>${cell(objects.crowds)}</tr><tr><th scope="row">below ${LOST_SIDE} pixels in an image of ${USUAL_LONGER_SIDE}</th>${cell(objects.lost_when_resized)}</tr></tbody></table></div>`;
}

function byNumber(images: readonly number[]): [string, number][] {
  const named = images.map((ofThis, number): [string, number] => [
    `${number} ${number === 1 ? 'object' : 'objects'}`,
    ofThis,
  ]);
  if (named.length <= MOST_ROWS) return named;
  const rest = images.slice(MOST_ROWS - 1).reduce((sum, ofThis) => sum + ofThis, 0);
  return [...named.slice(0, MOST_ROWS - 1), [`${MOST_ROWS - 1} to ${images.length - 1}`, rest]];
}

const count = (value: number) => value.toLocaleString('en');
