import type { DataReport } from '@fovea/data';
import { printable } from './printable.ts';
import { count, counted } from './quantities.ts';
import type { Channel, Style } from './terminal.ts';
import { quoted } from './workspace.ts';

type Finding = DataReport['findings'][number];

const shownClasses = 12;
const shownExamples = 3;
const barWidth = 24;

const marks = { error: ['red', '✗'], warning: ['yellow', '!'], note: ['dim', '·'] } as const satisfies Record<
  Finding['severity'],
  readonly [Style, string]
>;

/** The report as a person reads it in a terminal: what there is, then what is wrong with it, the worst first. */
export function reportLines(channel: Channel, report: DataReport, page: string | undefined): string[] {
  const dim = (text: string) => channel.paint('dim', text);
  const lines = [
    `  ${channel.paint('bold', printable(report.name))}  ${overview(report)}`,
    ...classLines(report, dim),
    ...objectLines(report, dim),
  ];
  const notes = report.findings.filter(({ severity }) => severity === 'note');
  for (const finding of report.findings) {
    if (finding.severity === 'note') continue;
    const [style, mark] = marks[finding.severity];
    lines.push('', `  ${channel.paint(style, mark)} ${channel.paint('bold', printable(finding.message))}`);
    const shown = finding.examples.slice(0, shownExamples);
    for (const example of shown) lines.push(`      ${printable(example)}`);
    if (finding.count > shown.length && shown.length > 0)
      lines.push(dim(`      … and ${count(finding.count - shown.length)} more`));
    if (finding.advice !== undefined) lines.push(`    ${dim('→')} ${finding.advice}`);
  }
  if (notes.length > 0) lines.push('');
  for (const { message, advice } of notes)
    lines.push(dim(`  · ${printable(message)}${advice === undefined ? '' : `; ${advice}`}`));
  lines.push('', `  ${verdict(channel, report)}`);
  if (page !== undefined) lines.push(`    ${dim('page')}  ${printable(quoted(page))}`);
  return lines;
}

function overview({ images, classes, labels, objects, pictures, has_validation }: DataReport): string {
  const parts = [
    counted(images.training + images.validation, 'image'),
    counted(classes.length, labels ? 'label' : 'class', labels ? 'labels' : 'classes'),
  ];
  if (objects) parts.push(counted(objects.number, 'object'));
  if (has_validation) parts.push(`${count(images.training)} train, ${count(images.validation)} validate`);
  if (images.test > 0) parts.push(`${count(images.test)} for testing left out`);
  if (labels) parts.push(`${labels.cardinality.toFixed(1)} labels an image`);
  const { width, height } = pictures;
  if (width.median > 0) parts.push(`${count(width.median)} × ${count(height.median)} pixels in the middle`);
  return parts.join(' · ');
}

/** Of classes their images, of objects these. */
function classLines(
  { classes: ofImages, objects, has_validation }: DataReport,
  dim: (text: string) => string,
): string[] {
  const classes = objects?.classes ?? ofImages;
  const ordered = classes.toSorted((a, b) => b.training - a.training);
  const left = ordered.length - shownClasses;
  // Of many classes the ends tell most: the largest and the smallest.
  const shown = left > 0 ? [...ordered.slice(0, shownClasses / 2), null, ...ordered.slice(-shownClasses / 2)] : ordered;
  const names = shown.map((one) => (one === null ? '' : shortened(printable(one.name))));
  const width = Math.max(...names.map((name) => name.length));
  const most = Math.max(1, ...ordered.map(({ training }) => training));
  return shown.map((one, i) => {
    if (one === null) return dim(`    … and ${count(left)} more`);
    const bar = '━'.repeat(Math.max(one.training > 0 ? 1 : 0, Math.round((barWidth * one.training) / most)));
    const validation = has_validation ? dim(` + ${count(one.validation)}`.padEnd(8)) : '';
    return `    ${names[i].padEnd(width)}  ${count(one.training).padStart(6)}${validation}  ${bar}`;
  });
}

/** `boxes  small 3, medium 120, large 77 · 1 to 6 an image, 1 in the middle · 38 × 44 pixels in the middle` */
function objectLines({ objects }: DataReport, dim: (text: string) => string): string[] {
  if (objects === null || objects.number === 0) return [];
  const sum = (size: 'small' | 'medium' | 'large') => count(objects.classes.reduce((all, one) => all + one[size], 0));
  const { smallest, median, largest } = objects.of_an_image;
  const parts = [
    `small ${sum('small')}, medium ${sum('medium')}, large ${sum('large')}`,
    `${count(smallest)} to ${count(largest)} an image, ${count(median)} in the middle`,
    `${count(objects.width.median)} × ${count(objects.height.median)} pixels in the middle`,
  ];
  return [`    ${dim('boxes')}  ${parts.join(' · ')}`];
}

function verdict(channel: Channel, { can_train, findings }: DataReport): string {
  const of = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity);
  const warnings = of('warning').length;
  const remarks = warnings === 0 ? '' : ` · ${counted(warnings, 'warning')}`;
  if (can_train) return `${channel.paint('green', '✓')} training can start${remarks}`;
  const errors = of('error').reduce((sum, finding) => sum + finding.count, 0);
  return `${channel.paint('red', '✗')} training cannot start: ${counted(errors, 'problem')}${remarks}`;
}

const shortened = (name: string) => (name.length > 30 ? `${name.slice(0, 29)}…` : name);
