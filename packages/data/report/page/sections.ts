import type { ImageRecord } from '../../dataset.ts';
import { shortPath } from '../../issue.ts';
import type { DataReport, ReportedDuplicates, ReportedSuspicion } from '../data-report.ts';
import type { Finding } from '../findings.ts';
import type { ImageTraits } from '../image-traits.ts';
import type { OddSize } from '../picture-statistics.ts';
import { countBar, pairsChart, sizeChart } from './charts.ts';
import { html, type Markup } from './markup.ts';
import { card, type Pictures, thumbnail } from './pictures.ts';

/** How much of everything is shown: what keeps the page a few megabytes whatever the data. */
export const limits = {
  classesWithSamples: 40,
  samples: 7,
  classes: 1000,
  groups: 60,
  groupImages: 6,
  suspicious: 80,
  oddSizes: 12,
  issues: 200,
  pairLabels: 24,
} as const;

/** Some images of each class, spread over all that it has. */
export type Samples = ReadonlyMap<string, readonly Pick<ImageRecord, 'file'>[]>;

/** The images that the sections below show, besides the samples. */
export function shownFiles({ duplicates, suspicious_labels, odd_sizes }: DataReport): string[] {
  const odd = [...Map.groupBy(odd_sizes, ({ what }) => what).values()];
  return [
    ...duplicates.slice(0, limits.groups).flatMap(({ images }) => shownOfGroup(images)),
    ...(suspicious_labels?.images.slice(0, limits.suspicious) ?? []),
    ...odd.flatMap((images) => images.slice(0, limits.oddSizes)),
  ].map(({ file }) => file);
}

export function findingsSection({ findings }: DataReport): Markup {
  const places: Readonly<Record<string, string>> = {
    'duplicates-with-different-labels': '#duplicates',
    'duplicates-in-both-sets': '#duplicates',
    duplicates: '#duplicates',
    'suspicious-labels': '#suspicious',
    'very-small': '#sizes',
    'very-large': '#sizes',
    'very-long': '#sizes',
    'one-colour': '#sizes',
    'few-images': '#classes',
    imbalance: '#classes',
    'small-objects': '#objects',
    'very-many-objects': '#objects',
  };
  const words = { error: 'Error', warning: 'Warning' };
  const item = ({ severity, code, message, advice, examples, count }: Finding) => {
    if (severity === 'note')
      return html`<li>${capital(message)}.${advice === undefined ? null : ` ${capital(advice)}.`}</li>`;
    const place = places[code];
    const left = count - examples.length;
    const shown =
      place === undefined
        ? html`<ul>${examples.map((one) => html`<li>${one}</li>`)}${left > 0 ? html`<li>and ${left} more</li>` : null}</ul>`
        : html` <a href="${place}">Show</a>`;
    const todo = advice === undefined ? null : html`<p class="dim">${capital(advice)}.</p>`;
    return html`<li class="${severity}"><b class="kind">${words[severity]}</b> ${capital(message)}.${shown}${todo}</li>`;
  };
  const [wrong, notes] = [false, true].map((isNote) =>
    findings.filter(({ severity }) => (severity === 'note') === isNote),
  );
  return html`${wrong.length === 0 ? html`<p>Nothing is wrong that could be found.</p>` : html`<ul class="findings">${wrong.map(item)}</ul>`}${notes.length === 0 ? null : html`<ul class="notes">${notes.map(item)}</ul>`}`;
}

export function classesSection(
  { classes, has_validation, labels }: DataReport,
  samples: Samples,
  pictures: Pictures,
): Markup {
  const ordered = classes.toSorted((a, b) => b.training - a.training || a.name.localeCompare(b.name));
  const most = Math.max(1, ...classes.map(({ training, validation }) => training + validation));
  const row = ({ name, training, validation }: DataReport['classes'][number]) => {
    const shown = samples.get(name);
    const cell =
      shown &&
      html`<div class="row">${shown.map(({ file }) => thumbnail(file, `a picture of ${name}`, pictures))}</div>`;
    return html`<tr><th scope="row"><bdi>${name}</bdi></th><td class="number">${count(training)}</td>${has_validation ? html`<td class="number">${count(validation)}</td>` : null}<td class="barcell">${countBar(training, validation, most)}</td><td class="samples">${cell ?? null}</td></tr>`;
  };
  const head = html`<thead><tr><th scope="col">${labels ? 'label' : 'class'}</th><th scope="col">training</th>${has_validation ? html`<th scope="col">validation</th>` : null}<th scope="col"></th><th scope="col">some of them</th></tr></thead>`;
  const table = (rows: typeof ordered) =>
    html`<div class="scroll"><table class="classes">${head}<tbody>${rows.map(row)}</tbody></table></div>`;
  const first = ordered.filter(({ name }) => samples.has(name));
  const others = ordered.filter(({ name }) => !samples.has(name)).slice(0, limits.classes);
  const rest =
    others.length === 0
      ? null
      : html`<details><summary>${count(others.length)} others</summary>${table(others)}</details>`;
  return html`${table(first)}${rest}`;
}

export function labelsSection({ labels, classes }: DataReport): Markup | null {
  if (labels === null) return null;
  const rows = labels.images_by_number_of_labels.map(
    (images, number) =>
      html`<tr><th scope="row">${number} ${number === 1 ? 'label' : 'labels'}</th><td class="number">${count(images)}</td><td class="barcell">${countBar(images, 0, Math.max(...labels.images_by_number_of_labels))}</td></tr>`,
  );
  const names = classes.toSorted((a, b) => b.training - a.training).map(({ name }) => name);
  const shown = names.slice(0, limits.pairLabels);
  const left =
    names.length > shown.length
      ? html`<p class="dim">The ${shown.length} most frequent of ${names.length} labels.</p>`
      : null;
  return html`<p>An image has ${labels.cardinality.toFixed(2)} labels on average (cardinality), ${(100 * labels.density).toFixed(1)} % of all that there are (density).</p>
<div class="side"><table><caption>Images by the number of their labels</caption><tbody>${rows}</tbody></table><div class="scroll">${pairsChart(shown, labels)}${left}</div></div>`;
}

export function duplicatesSection({ duplicates }: DataReport, pictures: Pictures): Markup | null {
  if (duplicates.length === 0) return null;
  const shown = duplicates.slice(0, limits.groups).map((group) => duplicateGroup(group, pictures));
  return html`<p class="dim">The same picture more than once: the same bytes, or the same to the eye (scaled, compressed, brightened, mirrored).</p>
<div class="groups">${shown}</div>${rest(duplicates.length - shown.length, 'groups')}`;
}

function duplicateGroup(
  { exact, different_labels, in_both_sets, images }: ReportedDuplicates,
  pictures: Pictures,
): Markup {
  const tags = [
    different_labels ? html`<span class="tag warn">different labels</span> ` : null,
    in_both_sets ? html`<span class="tag warn">in training and validation</span> ` : null,
    html`<span class="tag">${exact ? 'the same bytes' : 'alike'}</span>`,
  ];
  const shown = shownOfGroup(images);
  const cards = shown.map((image) =>
    card(image, image.mirrored ? html`<span class="tag">mirrored</span>` : null, pictures),
  );
  return html`<div class="${shown.length === 2 ? 'group pair' : 'group'}"><p>${tags}${images.length > shown.length ? html` ${count(images.length)} images` : null}</p><div class="cards">${cards}</div></div>`;
}

/** In a long group those that make it worth a look come first: one of each set and labels. */
function shownOfGroup(images: ReportedDuplicates['images']): ReportedDuplicates['images'] {
  const kinds = Map.groupBy(images, ({ set, labels }) => JSON.stringify([set, labels]));
  const first = new Set([...kinds.values()].map(([image]) => image));
  return [...first, ...images.filter((image) => !first.has(image))].slice(0, limits.groupImages);
}

export function suspiciousSection({ suspicious_labels: suspicious }: DataReport, pictures: Pictures): Markup | null {
  if (suspicious === null) return null;
  const { model, judged, agreement, thresholds, images } = suspicious;
  const hasAbsent = thresholds.some(({ absent }) => absent !== undefined);
  const percent = (probability: number) => `${Math.floor(probability * 100)} %`;
  const said = (one: ReportedSuspicion) => {
    if (one.kind === 'other-class')
      return html`<span class="doubt">the model sees <bdi>${one.suggested}</bdi>, ${percent(one.probability)}</span> (<bdi>${one.label}</bdi> ${percent(one.probability_as_labelled)})`;
    const what = one.kind === 'missing-label' ? 'is missing' : 'cannot be seen';
    return html`<span class="doubt"><bdi>${one.label}</bdi> ${what}, ${percent(one.probability)}</span>`;
  };
  const cards = images.slice(0, limits.suspicious).map((one) => card(one, said(one), pictures));
  const rows = thresholds
    .slice(0, limits.classes)
    .map(
      ({ label, present, absent }) =>
        html`<tr><th scope="row"><bdi>${label}</bdi></th><td class="number">${percent(present)}</td>${absent === undefined ? null : html`<td class="number">${percent(absent)}</td>`}</tr>`,
    );
  const head = html`<thead><tr><th scope="col">class</th><th scope="col">${hasAbsent ? 'is there, from' : 'from'}</th>${hasAbsent ? html`<th scope="col">is not there, from</th>` : null}</tr></thead>`;
  return html`<p>What the model <bdi>${model}</bdi> contradicts with confidence, the worst first, of ${count(judged)} images that it was shown. Its answer is the label in ${percent(agreement)} of ${hasAbsent ? 'all questions' : 'them'}. Either the label is wrong, or the picture is hard, or the model is: look before you change it.</p>
<p class="dim">Images that the model was trained on are judged too kindly: it may have learned their wrong labels by heart. Those of the validation data are judged fairly.</p>
${cards.length === 0 ? html`<p>It contradicts none.</p>` : html`<div class="cards">${cards}</div>`}${rest(images.length - cards.length, 'labels')}
<details><summary>When the model counts as confident</summary><p class="dim">From the mean probability on that it gives to images labelled so, at least 50 % (confident learning, Northcutt et al. 2021).</p><table>${head}<tbody>${rows}</tbody></table></details>`;
}

export function sizesSection(
  report: DataReport,
  traits: ReadonlyMap<string, ImageTraits>,
  pictures: Pictures,
): Markup | null {
  if (traits.size === 0) return null;
  const { width, height, formats, ...kinds } = report.pictures;
  const figure = (name: string, value: number) =>
    html`<tr><th scope="row">${name}</th><td class="number">${count(value)}</td></tr>`;
  const spread = (name: string, { smallest, median, largest }: typeof width) =>
    html`<tr><th scope="row">${name}</th>${[smallest, median, largest].map((value) => html`<td class="number">${count(value)}</td>`)}</tr>`;
  const words: readonly [keyof typeof kinds, string][] = [
    ['greyscale', 'without colour'],
    ['turned_by_exif', 'turned by EXIF'],
    ['cmyk', 'CMYK'],
    ['sixteen_bit', '16 bits a channel'],
    ['with_transparency', 'with an alpha channel'],
    ['animated', 'animated, or of several pages'],
  ];
  const odd: Readonly<Record<OddSize, string>> = {
    'very-small': 'Very small',
    'very-large': 'Very large',
    'very-long': 'Much longer than wide, or wider than long',
    'one-colour': 'Of one colour, or nearly',
  };
  const groups = (Object.keys(odd) as OddSize[]).map((what) => {
    const images = report.odd_sizes.filter((one) => one.what === what);
    if (images.length === 0) return null;
    const cards = images
      .slice(0, limits.oddSizes)
      .map((one) => card(one, html`${count(one.width)} × ${count(one.height)}`, pictures));
    return html`<h3>${odd[what]} (${count(images.length)})</h3><div class="cards">${cards}</div>${rest(images.length - cards.length, 'images')}`;
  });
  return html`<div class="side">${sizeChart(traits.values())}<div><table><caption>Pixels</caption><thead><tr><td></td><th scope="col">smallest</th><th scope="col">median</th><th scope="col">largest</th></tr></thead><tbody>${spread('width', width)}${spread('height', height)}</tbody></table>
<h3>Kinds</h3><table><caption>Images of each kind</caption><tbody>${Object.entries(formats).map(([format, images]) => figure(format === 'heif' ? 'AVIF' : format.toUpperCase(), images))}${words.map(([kind, name]) => (kinds[kind] > 0 ? figure(name, kinds[kind]) : null))}</tbody></table></div></div>${groups}`;
}

export function issuesSection({ issues }: DataReport, pictures: Pictures): Markup | null {
  if (issues.length === 0) return null;
  const ordered = issues.toSorted((a, b) => a.severity.localeCompare(b.severity));
  const rows = ordered
    .slice(0, limits.issues)
    .map(
      ({ severity, file, line, message, hint }) =>
        html`<tr><td>${severity}</td><td><bdi>${shortPath(file, pictures.folder)}</bdi>${line === undefined ? null : html`:${line}`}</td><td>${message}${hint === undefined ? null : html`; ${hint}`}</td></tr>`,
    );
  return html`<div class="scroll"><table class="issues"><thead><tr><th scope="col">kind</th><th scope="col">where</th><th scope="col">what</th></tr></thead><tbody>${rows}</tbody></table></div>${rest(issues.length - rows.length, 'rows')}`;
}

const rest = (left: number, noun: string) =>
  left > 0 ? html`<p class="dim">${count(left)} more ${noun} are in the JSON report.</p>` : null;

const count = (value: number) => value.toLocaleString('en');

const capital = (sentence: string) => sentence.charAt(0).toUpperCase() + sentence.slice(1);
