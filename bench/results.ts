import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** A table of results with what it means. */
export interface Section {
  title: string;
  text: string;
  columns: string[];
  rows: string[][];
  /** Markdown that follows the table. */
  after?: string;
}

/** A section as Markdown. */
export function format({ title, text, columns, rows, after }: Section): string {
  const lines = [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `## ${title}\n\n${text}\n\n${lines.join('\n')}\n${after === undefined ? '' : `\n${after}\n`}`;
}

/** A ratio beside its goal; bold where it is missed. */
export function judged(ratio: number | null, goal: number): string {
  if (ratio === null) return '–';
  const text = ratio.toFixed(2);
  return ratio < goal ? `**${text}**` : text;
}

/** Pieces per second, from the seconds that they took. */
export function rate(pieces: number, seconds: number | null): string {
  if (seconds === null) return '–';
  const value = pieces / seconds;
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** Puts a section into bench/RESULTS.md, in place of what was measured before, with the machine and the versions of this time. */
export function keepResult(path: URL, section: Section, versions: Record<string, string>): void {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [, ...sections] = before.split(/^(?=## )/m);
  const text = format({ ...section, text: `${section.text}\nMeasured on ${new Date().toISOString().slice(0, 10)}.` });
  const place = sections.findIndex((one) => one.startsWith(`## ${section.title}\n`));
  if (place < 0) sections.push(text);
  else sections[place] = text;
  writeFileSync(path, `${head(versions)}\n${sections.map((one) => one.trim()).join('\n\n')}\n`);
}

function head(versions: Record<string, string>): string {
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return [
    '# Results\n',
    'Written by `npm run bench`. Both sides of a comparison are processes that run in turn; figures are medians over rounds,',
    'ratios are medians of the ratios of neighbouring rounds. A ratio above 1 means that Fovea is faster; one that misses',
    'its goal is bold.\n',
    `Machine: ${machine}.\\`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.\n`,
    ...(versions['Python torch'] ? [] : [withoutPython]),
  ].join('\n');
}

const withoutPython =
  'There was no Python torch to compare with: `apt-get install python3-torch python3-torchvision python3-pil` gives one.\n';
