import type { ImageTraits } from '../image-traits.ts';
import type { LabelStatistics } from '../label-statistics.ts';
import { html, type Markup } from './markup.ts';

/** A bar for a class: training, with validation after it. `most` fills the width. */
export function countBar(training: number, validation: number, most: number): Markup {
  const width = (images: number) => ((100 * images) / Math.max(1, most)).toFixed(2);
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="training" width="${width(training)}" height="10"/><rect class="validation" x="${width(training)}" width="${width(validation)}" height="10"/></svg>`;
}

/** Bins for each doubling of a length. */
const BINS_PER_OCTAVE = 4;
const chart = { width: 460, height: 380, left: 56, top: 12, right: 12, bottom: 44 } as const;

/** How many images have which size: a circle for each bin of width and height, its area their number; both axes are logarithmic. */
export function sizeChart(pictures: Iterable<Pick<ImageTraits, 'width' | 'height'>>): Markup {
  const bins = new Map<string, { width: number; height: number; images: number }>();
  const binOf = (length: number) => 2 ** (Math.round(Math.log2(length) * BINS_PER_OCTAVE) / BINS_PER_OCTAVE);
  for (const { width, height } of pictures) {
    const bin = { width: binOf(width), height: binOf(height) };
    const key = `${bin.width} ${bin.height}`;
    bins.set(key, { ...bin, images: (bins.get(key)?.images ?? 0) + 1 });
  }
  const circles = [...bins.values()].sort((a, b) => b.images - a.images);
  const lengths = circles.flatMap(({ width, height }) => [width, height]);
  const from = Math.floor(Math.log2(Math.min(...lengths)) - 0.5);
  const to = Math.ceil(Math.log2(Math.max(...lengths)) + 0.5);
  const inner = { width: chart.width - chart.left - chart.right, height: chart.height - chart.top - chart.bottom };
  const x = (length: number) => chart.left + (inner.width * (Math.log2(length) - from)) / (to - from);
  const y = (length: number) => chart.top + inner.height * (1 - (Math.log2(length) - from) / (to - from));
  const most = circles[0]?.images ?? 1;
  const radius = (images: number) => Math.max(2.5, 22 * Math.sqrt(images / most));
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => 2 ** (from + i));
  const bottom = chart.height - chart.bottom;
  const right = chart.width - chart.right;
  return html`<svg class="chart" viewBox="0 0 ${chart.width} ${chart.height}" role="img" aria-label="Sizes of the images, width across and height up; the table beside it has the figures">
<g class="grid">${ticks.map((tick) => html`<path d="M${x(tick).toFixed(1)} ${chart.top}V${bottom}M${chart.left} ${y(tick).toFixed(1)}H${right}"/>`)}</g>
<path class="diagonal" d="M${x(ticks[0]).toFixed(1)} ${y(ticks[0]).toFixed(1)}L${x(2 ** to).toFixed(1)} ${y(2 ** to).toFixed(1)}"/>
<g class="ticks">${ticks.map((tick) => html`<text x="${x(tick).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${tick}</text><text x="${chart.left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`)}
<text x="${chart.left + inner.width / 2}" y="${chart.height - 6}" text-anchor="middle">width in pixels</text><text transform="translate(12 ${chart.top + inner.height / 2}) rotate(-90)" text-anchor="middle">height in pixels</text></g>
<g class="circles">${circles.map(({ width, height, images }) => html`<circle cx="${x(width).toFixed(1)}" cy="${y(height).toFixed(1)}" r="${radius(images).toFixed(1)}"><title>about ${Math.round(width)} × ${Math.round(height)}: ${images.toLocaleString('en')} ${images === 1 ? 'image' : 'images'}</title></circle>`)}</g>
</svg>`;
}

/** How often labels come together: a cell for each pair, darker the larger the part of the rarer label's images. */
export function pairsChart(labels: readonly string[], { pairs }: Pick<LabelStatistics, 'pairs'>): Markup {
  const known = new Map(pairs.map(({ labels: [a, b], ...pair }) => [JSON.stringify([a, b].sort()), pair]));
  const rows = labels.map((row, i) => {
    const cells = labels.slice(0, i).map((column) => {
      const { images = 0, share = 0 } = known.get(JSON.stringify([row, column].sort())) ?? {};
      // The words stay readable on the darkest cell.
      return html`<td style="--share:${Math.round(share * 45)}%" title="${row} and ${column}: ${images}">${images}</td>`;
    });
    return html`<tr><th scope="row"><bdi>${row}</bdi></th>${cells}<td class="self">–</td></tr>`;
  });
  const head = labels.map((label) => html`<th scope="col"><span><bdi>${label}</bdi></span></th>`);
  return html`<table class="pairs"><caption>Images that have both labels; the darker, the larger the part of the rarer label's images</caption>
<thead><tr><td></td>${head}</tr></thead><tbody>${rows}</tbody></table>`;
}
