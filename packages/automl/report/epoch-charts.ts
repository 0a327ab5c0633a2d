import type { EpochRecord } from '../job/job-record.ts';
import { figureText } from './figure-text.ts';
import { type Html, html } from './html.ts';
import { legend, lineChart } from './line-chart.ts';

/** Beyond this many epochs the points of a line are not marked one by one. */
const MOST_DOTS = 30;

const LOSSES = ['train_loss', 'valid_loss'];

/**
 * The course of each metric. The primary one and the losses are seen at once, the others when asked for.
 * @param epochs at least one, in their order
 */
export function epochCharts(epochs: readonly EpochRecord[], bestEpoch: number, primaryMetric: string): Html {
  const names = [...new Set(epochs.flatMap(({ metrics }) => Object.keys(metrics)))];
  const losses = LOSSES.filter((name) => names.includes(name));
  const others = names.filter((name) => name !== primaryMetric && !losses.includes(name));
  const chart = (title: string, shown: readonly string[]): Html => epochChart(epochs, bestEpoch, title, shown);
  return html`<p class="quiet">The upright line marks the best epoch.</p>
<div class="charts">${names.includes(primaryMetric) ? chart(primaryMetric, [primaryMetric]) : null}
${losses.length > 0 ? html`<div>${chart('loss', losses)}${legend(losses)}</div>` : null}</div>
${
  others.length > 0
    ? html`<details><summary>${others.length} more</summary>
<div class="charts">${others.map((name) => chart(name, [name]))}</div></details>`
    : null
}`;
}

function epochChart(epochs: readonly EpochRecord[], bestEpoch: number, title: string, names: readonly string[]): Html {
  const series = names.map((name, style) => ({
    name,
    style,
    dots: epochs.length <= MOST_DOTS,
    points: epochs.map(({ epoch, metrics }): [number, number | null] => [epoch, metrics[name] ?? null]),
  }));
  const [first, last] = [epochs[0], epochs[epochs.length - 1]];
  const course = names.map(
    (name) => `${name}: ${figureText(first.metrics[name])} at first, ${figureText(last.metrics[name])} at last`,
  );
  return lineChart({
    title,
    description: `${course.join('; ')}.`,
    x: { label: 'epoch', from: first.epoch, to: last.epoch, whole: true },
    y: { label: title, ...span(series.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])))) },
    series,
    mark: { x: bestEpoch, label: `best epoch: ${bestEpoch}` },
  });
}

/** The part of an axis that holds all values with a little room. */
function span(values: readonly number[]): { from: number; to: number } {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return { from: low >= 0 ? Math.max(0, low - room) : low - room, to: high + room };
}
