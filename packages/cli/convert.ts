import type { Conversion } from '@fovea/data';
import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { UsageError } from './failure.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { counted } from './quantities.ts';
import { shortPath } from './summary.ts';

/** Formats of annotations, as `--to` and `--from` have them. */
const written = ['jsonl', 'coco', 'voc', 'yolo'] as const;
const read = [...written, 'via', 'masks'] as const;

interface ConvertOptions {
  from?: (typeof read)[number];
  to: (typeof written)[number];
  images?: string;
  splits?: string;
  seed?: number;
  label?: string;
  repair?: boolean;
}

/** `fovea data convert`. */
export function convertCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<ConvertOptions>(context, {
    usage: 'convert <input> <output>',
    server: 'unneeded',
    summary: 'boxes and outlines of objects from one format to another',
    about: [
      'jsonl is what jobs train on: folders with an MLTable, one for each part of the data. coco, voc (Pascal VOC) and yolo are read',
      'and written in their usual layouts of folders. What the target cannot say is told, and what is wrong with the annotations.',
      'via (the VGG Image Annotator, JSON and CSV) and masks (PNGs whose values tell objects apart, in masks/ beside images/ or named by',
      'a table with the columns image and mask) are read only.',
      'Pixels of VOC files are taken as they stand, as labelling tools write them; the VOC challenge itself counts them from 1.',
    ].join('\n'),
    options: [
      { flags: '--from <format>', text: 'format of the input; found out when left out', choices: read },
      { flags: '--to <format>', text: 'format of the output', choices: written, fallback: 'jsonl' },
      { flags: '--images <folder>', text: 'where the pictures are, if not where the format has them' },
      {
        flags: '--splits <splits>',
        text: 'a CSV file with the columns image and split, or shares: 0.8,0.2 or 0.7,0.2,0.1',
      },
      {
        flags: '--label <name>',
        text: 'class of objects that nothing names: those of masks, or of regions without attributes',
      },
      {
        flags: '--repair',
        text: 'mend polygons and boxes: cut off what is outside, cut apart what crosses itself, leave out what has no area',
      },
      { flags: '--seed <n>', text: 'for shares: the same seed gives the same split', read: wholeNumber },
    ],
    examples: [
      'fovea data convert instances_train.json boxes/ --images train2017/',
      'fovea data convert VOC2012/ boxes/ --splits 0.8,0.2',
      'fovea data convert boxes/ for-yolo/ --to yolo',
      'fovea data convert PennFudanPed/ outlines/ --label pedestrian --splits 0.8,0.2',
    ],
    async run(options, [input = '', output = '']) {
      const write = await optionalWriter(out, options);
      const { convertAnnotations, formatIssues } = await context.services.data();
      const { images: imagesFolder, from, to, splits, seed, label, repair } = options;
      const done = await convertAnnotations({ input, output, from, to, imagesFolder, splits, seed, label, repair });
      if (done.issues.length > 0 && options.onlyShowErrors !== true)
        err.write(`${formatIssues(done.issues, { limit: 20 })}\n\n`);
      if (write === null) out.write(`${conversionLines(done).join('\n')}\n`);
      await write?.(
        done,
        done.losses.map(({ code, count, message }) => ({ code, count, message })),
      );
    },
  });
}

function conversionLines({ from, to, output, images, objects, classes, parts, losses, written }: Conversion): string[] {
  const split = Object.entries(parts ?? {}).map(([part, count]) => `${part} ${count}`);
  const head = [counted(images, 'image'), counted(objects, 'object'), counted(classes.length, 'class', 'classes')];
  const lines = [
    `${from} → ${to}  ${head.join(' · ')}${split.length > 0 ? ` (${split.join(', ')})` : ''}`,
    ...written.map((file) => `  ${printable(shortPath(file))}`),
  ];
  if (losses.length === 0) return [...lines, '  everything was carried over'];
  const width = Math.max(...losses.map(({ count }) => String(count).length));
  const rows = losses.map(({ count, message, file, line }) => {
    const place = file === output ? '' : `  (first: ${shortPath(file)}${line === undefined ? '' : `, line ${line}`})`;
    return `    ${String(count).padStart(width)} × ${printable(`${message}${place}`)}`;
  });
  return [...lines, '  not carried over:', ...rows];
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`--seed ${text} is no whole number`, '--seed 7');
  return Number(text);
}
