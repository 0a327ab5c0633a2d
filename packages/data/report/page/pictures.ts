import { dirname, isAbsolute, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { shortPath } from '../../issue.ts';
import type { ReportedImage } from '../data-report.ts';
import { html, type Markup } from './markup.ts';

/** How images are shown on a page. */
export interface Pictures {
  /** Data URIs by file. */
  readonly thumbnails: ReadonlyMap<string, string>;
  /** Absolute path of the page: links to the images are relative to it, so that both can be moved together. */
  readonly page: string;
  /** What names of files are shown relative to. */
  readonly folder: string;
}

/** A picture that opens the image, for people who see it; `alt` is for those who don't. */
export function thumbnail(file: string, alt: string, { thumbnails, page, folder }: Pictures): Markup {
  const source = thumbnails.get(file);
  if (source === undefined) return html`<span class="none">cannot be shown</span>`;
  return html`<a class="thumb" href="${linkTo(file, page)}" title="${shortPath(file, folder)}"><img src="${source}" alt="${alt}" loading="lazy" decoding="async"></a>`;
}

/** A picture with its name, what is said of it, labels and set. */
export function card(image: ReportedImage, said: Markup | null, pictures: Pictures): Markup {
  const { file, labels, set, source } = image;
  const names = labels.join(', ') || 'no label';
  const line = source.line === undefined ? null : html` <span class="dim">line ${source.line}</span>`;
  return html`<figure>${thumbnail(file, names, pictures)}<figcaption><span class="labels"><bdi>${names}</bdi></span> <span class="tag">${set}</span>${said === null ? null : html`<br>${said}`}<br><bdi>${shortPath(file, pictures.folder)}</bdi>${line}</figcaption></figure>`;
}

function linkTo(file: string, page: string): string {
  const path = relative(dirname(page), file);
  // On another drive there is no way from here to there.
  if (isAbsolute(path)) return pathToFileURL(file).href;
  const encoded = path.split(sep).map(encodeURIComponent).join('/');
  return /^\.\.?\//.test(encoded) ? encoded : `./${encoded}`;
}
