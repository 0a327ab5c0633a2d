import { type Html, html } from './html.ts';

/** A line of a chart. Points whose y is null interrupt it. */
export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number | null])[];
  /** Which of the page's line styles; the same number means the same thing in all charts of the page. */
  style: number;
  /** Marks each point; a line of few points needs it to be seen. */
  dots?: boolean;
}

export interface Axis {
  label: string;
  from: number;
  to: number;
  /** Only whole numbers mean something. */
  whole?: boolean;
}

export interface LineChart {
  title: string;
  /** What a person who cannot see the chart should know of it. */
  description: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
  /** What knowing nothing would give, as two points. */
  baseline?: readonly [readonly [number, number], readonly [number, number]];
  /** An x to be marked, and what it is. */
  mark?: { x: number; label: string };
}

const SIZE = { width: 420, height: 300 };
const PLOT = { left: 52, right: 18, top: 14, bottom: 44 };

/** A chart as a figure with an inline SVG: no scripts, colours from the page, a description for screen readers. */
export function lineChart({ title, description, x, y, series, baseline, mark }: LineChart): Html {
  const scaleX = scale(x, PLOT.left, SIZE.width - PLOT.right);
  const scaleY = scale(y, SIZE.height - PLOT.bottom, PLOT.top);
  const [left, right, bottom, top] = [scaleX(x.from), scaleX(x.to), scaleY(y.from), scaleY(y.to)];
  return html`<figure>
<figcaption>${title}</figcaption>
<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${`${title}. ${description}`}">
<g class="grid">${ticks(x).map((tick) => html`<line x1="${at(scaleX(tick))}" x2="${at(scaleX(tick))}" y1="${bottom}" y2="${top}"/>`)}
${ticks(y).map((tick) => html`<line x1="${left}" x2="${right}" y1="${at(scaleY(tick))}" y2="${at(scaleY(tick))}"/>`)}</g>
<g class="ticks">${ticks(x).map((tick) => html`<text x="${at(scaleX(tick))}" y="${bottom + 16}" text-anchor="middle">${short(tick)}</text>`)}
${ticks(y).map((tick) => html`<text x="${left - 6}" y="${at(scaleY(tick) + 4)}" text-anchor="end">${short(tick)}</text>`)}</g>
<text class="axis" x="${at((left + right) / 2)}" y="${SIZE.height - 8}" text-anchor="middle">${x.label}</text>
<text class="axis" transform="translate(13 ${at((top + bottom) / 2)}) rotate(-90)" text-anchor="middle">${y.label}</text>
${baseline ? html`<path class="baseline" d="${pathOf(baseline, scaleX, scaleY)}"/>` : null}
${mark ? html`<line class="mark" x1="${at(scaleX(mark.x))}" x2="${at(scaleX(mark.x))}" y1="${bottom}" y2="${top}"><title>${mark.label}</title></line>` : null}
${series.map((line) => drawn(line, scaleX, scaleY))}
</svg>
</figure>`;
}

function drawn({ name, points, style, dots }: Series, scaleX: Scale, scaleY: Scale): Html {
  return html`<g class="series style-${style}"><path d="${pathOf(points, scaleX, scaleY)}"><title>${name}</title></path>
${dots ? points.map(([x, y]) => (y === null ? null : html`<circle cx="${at(scaleX(x))}" cy="${at(scaleY(y))}" r="3"><title>${`${name}: ${short(x)}, ${short(y)}`}</title></circle>`)) : null}</g>`;
}

/** What the lines of charts mean, in the order of their styles. */
export const legend = (names: readonly string[]): Html =>
  html`<ul class="legend">${names.map(
    (name, style) =>
      html`<li><svg viewBox="0 0 40 8" aria-hidden="true"><g class="series style-${style}"><path d="M0 4L40 4"/></g></svg><bdi>${name}</bdi></li>`,
  )}</ul>`;

type Scale = (value: number) => number;

const scale = ({ from, to }: Axis, start: number, end: number): Scale => {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
};

function pathOf(points: Series['points'], scaleX: Scale, scaleY: Scale): string {
  let down = false;
  const parts: string[] = [];
  for (const [x, y] of points) {
    if (y !== null) parts.push(`${down ? 'L' : 'M'}${at(scaleX(x))} ${at(scaleY(y))}`);
    down = y !== null;
  }
  return parts.join('');
}

/** Round numbers on an axis, at most seven. */
function ticks({ from, to, whole }: Axis): number[] {
  const rough = (to - from || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10);
  const step = whole ? Math.max(1, round) : round;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A place in the picture: a tenth of a unit is finer than a screen shows. */
const at = (place: number): number => Math.round(place * 10) / 10;

const short = (value: number): string => String(Number(value.toPrecision(4)));
