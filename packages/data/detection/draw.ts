import { decodeImage, imageSize, type Pixels } from '../decode.ts';
import { sharp } from '../sharp.ts';
import type { LabelledObject } from './object-record.ts';

/** What is drawn of an object: of a prediction its score, too. */
export type DrawnObject = Pick<LabelledObject, 'label' | 'box' | 'polygons'> & {
  readonly crowd?: boolean;
  /** From 0 to 1; shown in per cent. */
  readonly score?: number;
};

export interface DrawOptions {
  /** In the order that gives each its colour. Default: those of the objects, sorted; then colours differ from image to image. */
  readonly classes?: readonly string[];
}

/** Colours that are told apart on photographs, for most eyes with weak colour vision, too (after P. Green-Armytage, 2010). */
const COLOURS = [
  '#ffe100',
  '#00e5ff',
  '#ff5005',
  '#2bce48',
  '#f0a0ff',
  '#0075dc',
  '#ffffff',
  '#ff0010',
  '#94ffb5',
  '#993f00',
  '#ffa8bb',
  '#740aff',
  '#9dcc00',
  '#ffcc99',
  '#005c31',
  '#c20088',
];

/**
 * Draws boxes, outlines and labels on a picture; those of crowds are dashed. Among many objects small ones have no label. The picture
 * itself is left as it is.
 * @param picture RGB, `[height, width, 3]`
 * @param objects in shares of width and height; the last one is drawn on top
 */
export async function drawObjects(
  picture: Pixels,
  objects: readonly DrawnObject[],
  { classes }: DrawOptions = {},
): Promise<Pixels> {
  const { pixels, width, height } = picture;
  const raw = { width, height, channels: 3 } as const;
  const overlay = Buffer.from(objectsAsSvg(objects, { width, height, classes }));
  const drawn = await sharp(pixels, { raw })
    .composite([{ input: overlay }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { pixels: new Uint8Array(drawn.buffer, drawn.byteOffset, drawn.byteLength), width, height };
}

/**
 * Draws objects on an image file.
 * @param options.longestSide larger images are made smaller. Default 1600 pixels
 * @returns a PNG or a JPEG
 * @throws IssuesError when the file cannot be read as an image
 */
export async function drawOnImage(
  file: string,
  objects: readonly DrawnObject[],
  {
    longestSide = 1600,
    format = 'jpeg',
    classes,
  }: DrawOptions & { longestSide?: number; format?: 'png' | 'jpeg' } = {},
): Promise<Buffer> {
  const { width, height } = await imageSize({ file });
  const scale = Math.min(1, longestSide / Math.max(width, height));
  const resize = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const drawn = await drawObjects(await decodeImage({ file, resize }), objects, classes ? { classes } : {});
  return encoded(drawn).toFormat(format, { quality: 90 }).toBuffer();
}

/**
 * Puts pictures side by side, each as large as a cell allows, on nearly black.
 * @param options.cell side of a cell in pixels. Default 320
 * @param options.columns default: as many as make the sheet about square
 * @returns a PNG; RangeError when there is no picture
 */
export async function contactSheet(
  pictures: readonly Pixels[],
  { cell = 320, columns = Math.ceil(Math.sqrt(pictures.length)) }: { cell?: number; columns?: number } = {},
): Promise<Buffer> {
  if (pictures.length === 0) throw new RangeError('a contact sheet needs a picture');
  const gap = 4;
  const rows = Math.ceil(pictures.length / columns);
  const side = (count: number) => count * (cell + gap) + gap;
  const parts = await Promise.all(
    pictures.map(async (picture, i) => {
      const { data, info } = await encoded(picture)
        .resize(cell, cell, { fit: 'inside' })
        .png()
        .toBuffer({ resolveWithObject: true });
      const left = gap + (i % columns) * (cell + gap) + ((cell - info.width) >> 1);
      return { input: data, left, top: gap + Math.floor(i / columns) * (cell + gap) + ((cell - info.height) >> 1) };
    }),
  );
  const sheet = { width: side(columns), height: side(rows), channels: 3, background: '#1c1c1c' } as const;
  return sharp({ create: sheet }).composite(parts).png().toBuffer();
}

const encoded = ({ pixels, width, height }: Pixels) => sharp(pixels, { raw: { width, height, channels: 3 } });

/** Of more objects, those that are smaller than their labels have none: labels would be all that is seen of the picture. */
const FEW_OBJECTS = 12;

/** The overlay by itself: an SVG of the size of the picture. */
export function objectsAsSvg(
  objects: readonly DrawnObject[],
  { width, height, classes }: { width: number; height: number; classes?: readonly string[] | undefined },
): string {
  const order = classes ?? [...new Set(objects.map(({ label }) => label))].sort();
  const font = Math.min(28, Math.max(10, Math.round(Math.min(width, height) / 32)));
  const line = Math.max(1, font / 7);
  const shapes = objects.map(({ label, box, polygons, crowd, score }) => {
    const colour = COLOURS[Math.max(0, order.indexOf(label)) % COLOURS.length];
    const [x1, y1, x2, y2] = box.map((value, i) => value * (i % 2 === 0 ? width : height));
    const dashes = crowd ? ` stroke-dasharray="${number(line * 3)}"` : '';
    const corners = `x="${number(x1)}" y="${number(y1)}" width="${number(x2 - x1)}" height="${number(y2 - y1)}"`;
    const rect = (stroke: string, thickness: number, more = '') =>
      `<rect ${corners} fill="none" stroke="${stroke}" stroke-width="${number(thickness)}"${more}/>`;
    // Where an outline says more, the box is a thin line; else it has a dark one under it, for bright pictures.
    const frame =
      polygons && polygons.length > 0
        ? [rect(colour, line / 2, ` stroke-opacity="0.8"${dashes}`)]
        : [rect('#000', line * 2), rect(colour, line, dashes)];
    const outline = (polygons ?? []).map((polygon) => {
      const points = polygon.map((value, i) => number(value * (i % 2 === 0 ? width : height)));
      const area = `<polygon points="${points.join(' ')}" fill="${colour}" fill-opacity="0.35" fill-rule="evenodd"/>`;
      return `${area}<path d="${edgesOf(points)}" fill="none" stroke="${colour}" stroke-width="${number(line)}" stroke-linejoin="round"${dashes}/>`;
    });
    const text = caption(label, score);
    const isCovered = objects.length > FEW_OBJECTS && tagArea(text, font) > (x2 - x1) * (y2 - y1);
    return [...outline, ...frame, isCovered ? '' : tag(text, { x: x1, y: y1, width, font, colour })].join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
}

/** The lines of a polygon as an SVG path, without the cuts to its holes: those are walked there and back. */
function edgesOf(points: readonly string[]): string {
  const corners = Array.from({ length: points.length / 2 }, (_, i) => `${points[2 * i]} ${points[2 * i + 1]}`);
  const lines = corners.map((from, i) => ({ from, to: corners[(i + 1) % corners.length] }));
  const walked = new Set(lines.map(({ from, to }) => `${from}>${to}`));
  const seen = lines.filter(({ from, to }) => !walked.has(`${to}>${from}`));
  return seen.map(({ from, to }, i) => (seen[i - 1]?.to === from ? `L${to}` : `M${from}L${to}`)).join('');
}

/** A label above the upper left corner of a box, or inside of it where there is no room. */
function tag(
  text: string,
  { x, y, width, font, colour }: { x: number; y: number; width: number; font: number; colour: string },
): string {
  const [across, down] = tagSize(text, font);
  const left = Math.max(0, Math.min(x, width - across));
  const top = y - down >= 0 ? y - down : y;
  return (
    `<rect x="${number(left)}" y="${number(top)}" width="${number(across)}" height="${number(down)}" fill="${colour}"/>` +
    `<text x="${number(left + font * 0.3)}" y="${number(top + font)}" font-family="DejaVu Sans, Noto Sans, sans-serif" font-size="${font}" fill="${inkOn(colour)}">${escaped(text)}</text>`
  );
}

const tagSize = (text: string, font: number): [across: number, down: number] => [
  lengthOf(text) * font + font * 0.6,
  font * 1.3,
];

function tagArea(text: string, font: number): number {
  const [across, down] = tagSize(text, font);
  return across * down;
}

const MOST_CHARACTERS = 40;

function caption(label: string, score: number | undefined): string {
  const characters = [...label];
  const short = characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 1).join('')}…` : label;
  return score === undefined ? short : `${short} ${Math.round(score * 100)} %`;
}

/** Width of a text in the size of its font, about; letters of East Asia are square. */
const lengthOf = (text: string): number =>
  [...text].reduce((sum, character) => sum + ((character.codePointAt(0) ?? 0) >= 0x1100 ? 1 : 0.62), 0);

/** Black or white, whichever stands out more (relative luminance of WCAG 2, §1.4.3). */
function inkOn(colour: string): string {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

const number = (value: number): string => String(Number(value.toFixed(2)));

/** Text for an SVG: no markup, and no character that XML has not. */
function escaped(text: string): string {
  const marks: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text
    .toWellFormed()
    .replace(/[&<>"']/g, (mark) => marks[mark])
    .replace(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd');
}
