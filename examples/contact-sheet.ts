import sharp, { type OverlayOptions } from 'sharp';
import type { Answer } from './confusion-matrix.ts';

const picture = 96;
const frame = 3;
const caption = 17;
const gap = 6;
const cell = { width: picture + 2 * frame + gap, height: picture + 2 * frame + caption + gap };
const colour = { right: '#1a9850', wrong: '#d73027' };

/**
 * All images on one sheet, one row after the other by label: framed green where the prediction is right, red where it is wrong, with
 * the predicted label and its probability below.
 */
export async function contactSheet(
  answers: readonly Answer[],
  labels: readonly string[],
  { columns = 16 } = {},
): Promise<Buffer> {
  const rows = labels.flatMap((label) => {
    const own = answers.filter((answer) => answer.label === label);
    return Array.from({ length: Math.ceil(own.length / columns) }, (_, i) => own.slice(i * columns, (i + 1) * columns));
  });
  const width = columns * cell.width + gap;
  const height = rows.length * cell.height + gap;
  const tiles: OverlayOptions[] = [];
  const marks: string[] = [];
  for (const [row, answersOfRow] of rows.entries()) {
    for (const [column, answer] of answersOfRow.entries()) {
      const left = gap + column * cell.width;
      const top = gap + row * cell.height;
      const fill = answer.predicted === answer.label ? colour.right : colour.wrong;
      const side = picture + 2 * frame;
      const words = `${answer.predicted} ${Math.round(100 * answer.probability)} %`;
      marks.push(`<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="${fill}"/>`);
      marks.push(`<text x="${left + side / 2}" y="${top + side + 13}" fill="${fill}">${escapeXml(words)}</text>`);
      tiles.push({ input: await thumbnail(answer.file), left: left + frame, top: top + frame });
    }
  }
  const page = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"
      font-family="DejaVu Sans, sans-serif" font-size="12" text-anchor="middle">
    <rect width="100%" height="100%" fill="white"/>${marks.join('')}</svg>`;
  return sharp(Buffer.from(page)).composite(tiles).png().toBuffer();
}

function thumbnail(file: string): Promise<Buffer> {
  return sharp(file).rotate().resize(picture, picture, { fit: 'cover' }).toBuffer();
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
