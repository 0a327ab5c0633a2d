import { dirname, sep } from 'node:path';
import type { ImageRecord } from '../../dataset.ts';
import type { DataReport } from '../data-report.ts';
import type { ImageTraits } from '../image-traits.ts';
import { html, Markup } from './markup.ts';
import { objectsSection } from './objects-section.ts';
import type { Pictures } from './pictures.ts';
import {
  classesSection,
  duplicatesSection,
  findingsSection,
  issuesSection,
  labelsSection,
  limits,
  type Samples,
  shownFiles,
  sizesSection,
  suspiciousSection,
} from './sections.ts';
import { style } from './style.ts';
import { type ThumbnailOptions, thumbnailsOf } from './thumbnails.ts';

export interface PageOptions extends ThumbnailOptions {
  /** Absolute path where the page will lie: links to the images are relative to it. */
  readonly file: string;
  /** From which samples of each class are taken. */
  readonly records: readonly Pick<ImageRecord, 'file' | 'labels'>[];
  readonly traits: ReadonlyMap<string, ImageTraits>;
}

/**
 * The report as one HTML page that needs nothing else: thumbnails are in it, there are no scripts, and its policy lets a browser
 * load nothing. Names of files and labels are text, whatever they hold.
 */
export async function reportPage(report: DataReport, options: PageOptions): Promise<string> {
  const { records, traits, file } = options;
  const samples = samplesOf(report, records, traits);
  const files = [...[...samples.values()].flat().map((sample) => sample.file), ...shownFiles(report)];
  const folder = commonFolder([...traits.keys()]);
  const pictures: Pictures = { page: file, folder, thumbnails: await thumbnailsOf(files, options) };
  const sections: [id: string, title: string, content: Markup | null][] = [
    ['findings', 'What to look at', findingsSection(report)],
    ['suspicious', 'Suspicious labels', suspiciousSection(report, pictures)],
    ['duplicates', 'The same picture more than once', duplicatesSection(report, pictures)],
    ['classes', report.labels ? 'Labels' : 'Classes', classesSection(report, samples, pictures)],
    ['together', 'Labels that come together', labelsSection(report)],
    ['objects', 'Objects', objectsSection(report)],
    ['sizes', 'Sizes and kinds', sizesSection(report, traits, pictures)],
    ['issues', 'Every problem, with its place', issuesSection(report, pictures)],
  ];
  const present = sections.filter(([, , content]) => content !== null);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${report.name} – data report</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1><bdi>${report.name}</bdi></h1>
<p>${overview(report)}</p>
<p class="dim">${folder === '' ? null : html`Below <bdi>${folder}</bdi>`}</p>
<p class="verdict ${report.can_train ? 'good' : 'bad'}">${report.can_train ? '✓ Training can start' : '✗ Training cannot start before the errors are mended'}</p>
<nav aria-label="Sections"><ul>${present.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${present.map(([id, title, content]) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>\n`)}
</main>
<footer>Made by fovea data check. The pictures are small copies; a click opens the image where it lies.</footer>
</body>
</html>
`.text;
}

/** The deepest folder that has all of the files; empty when there is none. */
function commonFolder(files: readonly string[]): string {
  let folder = files.length > 0 ? dirname(files[0]) : '';
  for (const file of files)
    while (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep) && folder !== dirname(folder))
      folder = dirname(folder);
  return folder;
}

function overview({ images, classes, labels, objects, has_validation, task }: DataReport): string {
  const count = (value: number) => value.toLocaleString('en');
  const parts = [
    `${count(images.training + images.validation)} images`,
    `${count(classes.length)} ${labels ? 'labels' : classes.length === 1 ? 'class' : 'classes'}`,
    ...(objects ? [`${count(objects.number)} objects`] : []),
    has_validation
      ? `${count(images.training)} for training, ${count(images.validation)} for validation`
      : 'a part will be split off for validation',
  ];
  if (images.test > 0) parts.push(`${count(images.test)} for testing, not looked at`);
  return [...parts, task].join(' · ');
}

/** Of the largest and the smallest classes, images at even distances. */
function samplesOf(
  { classes }: DataReport,
  records: PageOptions['records'],
  traits: ReadonlyMap<string, ImageTraits>,
): Samples {
  const ordered = classes.toSorted((a, b) => b.training - a.training).map(({ name }) => name);
  const half = limits.classesWithSamples / 2;
  const chosen = new Set(ordered.length > half * 2 ? [...ordered.slice(0, half), ...ordered.slice(-half)] : ordered);
  const members = new Map<string, { file: string }[]>([...chosen].map((name) => [name, []]));
  for (const { file, labels } of records) {
    if (traits.has(file)) for (const label of labels) members.get(label)?.push({ file });
  }
  return new Map([...members].map(([name, images]) => [name, spreadOver(images, limits.samples)]));
}

function spreadOver<T>(items: readonly T[], wanted: number): T[] {
  if (items.length <= wanted) return [...items];
  return Array.from({ length: wanted }, (_, i) => items[Math.floor((i * items.length) / wanted)]);
}
