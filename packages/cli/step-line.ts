import type { RunEvent } from '@fovea/automl';
import { printable } from './printable.ts';
import { figure, percent, rate, remaining } from './quantities.ts';
import type { Channel, Style } from './terminal.ts';

type Step = Extract<RunEvent, { type: 'step' }>;
type Trial = Extract<RunEvent, { type: 'trial' }>;

const barLengths = { least: 10, most: 24 };

interface Field {
  text: string;
  style?: Style;
}

/** Where a run is, in one line: place, part of the epoch, speed, loss, best so far, time left. */
export function stepLine(event: Step, trial: Trial | null): string {
  return `  ${texts(fieldsOf(event, trial)).join('  ')}`;
}

/** The same with a bar, within the width of a terminal: what is least missed is left out of a line that would be too long. */
export function fittedStepLine(channel: Channel, event: Step, trial: Trial | null): string {
  const width = channel.columns() - 1;
  const omissions: Omission[] = ['nothing', 'best epoch', 'loss', 'speed', 'best', 'time'];
  const choices = omissions.map((_, index) => fieldsOf(event, trial, new Set(omissions.slice(0, index + 1))));
  const lengthOf = (fields: Field[]) => texts(fields).join('  ').length + 2;
  const withBar = choices.find((fields) => lengthOf(fields) + 2 + barLengths.least <= width);
  const fields = withBar ?? choices.find((choice) => lengthOf(choice) <= width);
  if (fields === undefined) return `  ${place(event, trial)}`.slice(0, Math.max(0, width));
  const parts = fields.map(({ text, style }) => (style ? channel.paint(style, text) : text));
  if (withBar) {
    const length = Math.min(barLengths.most, width - lengthOf(fields) - 2);
    parts.splice(1, 0, bar(channel, event.step / Math.max(1, event.steps), length));
  }
  return `  ${parts.join('  ')}`;
}

/** `epoch 3/15`, with the trial in front when there are several. */
export function place({ epoch, epochs }: { epoch: number; epochs: number }, trial: Trial | null): string {
  const of = trial && trial.trials > 1 ? `trial ${trial.index + 1}/${trial.trials}  ` : '';
  return `${of}epoch ${epoch}/${epochs}`;
}

/** `train_loss` as words. */
export function metricWords(name: string): string {
  return printable(name).replaceAll('_', ' ');
}

type Omission = 'nothing' | 'best epoch' | 'loss' | 'speed' | 'best' | 'time';

function fieldsOf(event: Step, trial: Trial | null, omitted: ReadonlySet<Omission> = new Set()): Field[] {
  const fields: Field[] = [{ text: place(event, trial), style: 'bold' }];
  fields.push({ text: percent(event.steps > 0 ? event.step / event.steps : 0).padStart(4) });
  if (!omitted.has('speed')) fields.push({ text: rate(event.imagesPerSecond) });
  if (!omitted.has('loss')) fields.push({ text: `loss ${figure(event.loss)}` });
  if (event.best && !omitted.has('best')) {
    const { value, epoch } = event.best;
    const text = omitted.has('best epoch')
      ? `best ${figure(value)}`
      : `best ${metricWords(event.metricName)} ${figure(value)} (epoch ${epoch})`;
    fields.push({ text, style: 'green' });
  }
  if (!omitted.has('time')) fields.push({ text: `${remaining(event.etaSeconds)} left` });
  return fields;
}

function texts(fields: readonly Field[]): string[] {
  return fields.map(({ text }) => text);
}

function bar(channel: Channel, part: number, length: number): string {
  const halves = Math.max(0, Math.min(2 * length, Math.floor(part * 2 * length)));
  const full = '━'.repeat(halves >> 1) + (halves % 2 === 1 ? '╸' : '');
  const rest = '━'.repeat(length - full.length);
  const painted = channel.paint('dim', rest);
  // Without colours, done and not done must differ in shape.
  return channel.paint('cyan', full) + (painted === rest ? ' '.repeat(rest.length) : painted);
}
