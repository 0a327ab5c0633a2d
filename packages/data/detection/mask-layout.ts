import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, parse } from 'node:path';
import type { Issue } from '../issue.ts';
import { type Part, partNamed, partsOf } from '../split-column.ts';
import { fieldsOf, imageColumn, labelColumn } from '../table-columns.ts';
import { readTableRows } from '../table-rows.ts';
import { IMAGE_ENDINGS, ImageLookup } from './image-lookup.ts';

/** An image and the pictures of its masks. */
export interface MaskedImage {
  readonly file: string;
  readonly bytes: number;
  /** Its path below the folder of images. */
  readonly name: string;
  readonly masks: readonly { readonly file: string; readonly label?: string | undefined }[];
  readonly source: { readonly file: string; readonly line?: number };
  readonly part: Part | undefined;
}

export interface MaskLayout {
  readonly images: readonly MaskedImage[];
  readonly issues: readonly Issue[];
}

const MASK_COLUMNS = ['mask', 'masks', 'mask_path', 'mask_file', 'mask_url', 'mask_image'];
const IMAGE_FOLDERS = ['images', 'image', 'imgs', 'img', 'jpegimages', 'pngimages'];
const MASK_FOLDERS = ['masks', 'mask', 'pedmasks'];
/** JPEG changes values; it is looked for, so that it can be told. */
const MASK_ENDINGS = ['.png', '.bmp', '.tif', '.tiff', '.gif', '.jpg', '.jpeg'];

/** The table that pairs images with masks: the path itself, or the only one in the folder. */
export function maskTableIn(path: string): string | undefined {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.[ct]sv$/i.test(name))
        .map((name) => join(path, name))
    : [path];
  const tables = files.filter((file) => {
    if (!/\.[ct]sv$/i.test(file)) return false;
    const [header] = readFileSync(file, 'utf8').split(/\r?\n/, 1);
    return header.split(/[,;\t]/).some((name) => MASK_COLUMNS.includes(name.replaceAll('"', '').trim().toLowerCase()));
  });
  return tables.length === 1 ? tables[0] : undefined;
}

/** Folders with images and masks side by side: the path itself, folders for the parts, or one folder for each image. */
export function maskFoldersIn(path: string): { images: string; masks: string; part: Part | undefined }[] {
  if (!statSync(path).isDirectory()) return [];
  const pairIn = (folder: string, part: Part | undefined) => {
    const names = foldersIn(folder);
    const images = names.find((name) => IMAGE_FOLDERS.includes(name.toLowerCase()));
    const masks = names.find((name) => MASK_FOLDERS.includes(name.toLowerCase()));
    return images === undefined || masks === undefined
      ? []
      : [{ images: join(folder, images), masks: join(folder, masks), part }];
  };
  const here = pairIn(path, undefined);
  return here.length > 0 ? here : foldersIn(path).flatMap((name) => pairIn(join(path, name), partNamed(name)));
}

const foldersIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

/** Pairs images with their masks by a table with the columns `image` and `mask`, and perhaps `split` and `label`. */
export async function masksByTable(table: string, imagesFolder: string | undefined): Promise<MaskLayout> {
  const { rows, issues: found } = await readTableRows(table);
  const issues = [...found];
  const fields = fieldsOf(rows);
  const [image, label] = [imageColumn(fields, { mayDiffer: true }), labelColumn(fields)];
  const mask = fields.find((field) => MASK_COLUMNS.includes(field.toLowerCase())) ?? MASK_COLUMNS[0];
  const split = partsOf(rows, fields);
  for (const issue of split?.issues ?? []) issues.push(issue);
  const partOf = new Map(
    Object.entries(split?.parts ?? {}).flatMap(([part, some]) => some.map((row) => [row, part as Part])),
  );
  const here = dirname(table);
  const images = new ImageLookup([...(imagesFolder === undefined ? [] : [imagesFolder]), here]);
  const masks = new ImageLookup([here]);
  const byFile = new Map<string, MaskedImage>();
  for (const row of rows) {
    const source = { file: row.file, line: row.line };
    const place = (column: string, lookup: ImageLookup) => {
      const name = String(row.fields[column] ?? '').trim();
      const there = name === '' ? undefined : lookup.find(name);
      const message =
        name === '' ? `${column} is empty` : `${name} is not there (looked in ${lookup.folders.join(', ')})`;
      if (!there) issues.push({ code: 'image-missing', severity: 'error', ...source, message });
      return there && { ...there, name: name.replaceAll('\\', '/') };
    };
    const [picture, shown] = [place(image, images), place(mask, masks)];
    if (!picture || !shown) continue;
    const own = {
      file: shown.file,
      label: label === undefined ? undefined : String(row.fields[label] ?? '').trim() || undefined,
    };
    const known = byFile.get(picture.file);
    if (known) byFile.set(picture.file, { ...known, masks: [...known.masks, own] });
    else byFile.set(picture.file, { ...picture, masks: [own], source, part: partOf.get(row) });
  }
  return { images: [...byFile.values()], issues };
}

/** Pairs images with their masks by name: `masks/a.png` or `masks/a_mask.png` for `images/a.jpg`, or all pictures in `masks/a/`. */
export function masksByName(path: string): MaskLayout {
  const folders = maskFoldersIn(path);
  const issues: Issue[] = [];
  const images = folders.flatMap(({ images: pictures, masks, part }) => {
    const names = readdirSync(pictures)
      .filter((name) => IMAGE_ENDINGS.includes(extname(name).toLowerCase()))
      .sort();
    // A folder for each image: all of its masks are that image's.
    const isSingle = folders.length > 1 && names.length === 1 && part === undefined;
    return names.flatMap((name): MaskedImage[] => {
      const file = join(pictures, name);
      const shown = isSingle ? picturesIn(masks) : masksOf(parse(name).name, masks);
      if (shown.length === 0) {
        const message = `there is no mask for ${name} in ${masks}`;
        const hint = `it is ${parse(name).name}.png; of an image without objects it is black`;
        issues.push({ code: 'mask-missing', severity: 'error', file, message, hint });
        return [];
      }
      const about = { file, bytes: statSync(file).size, source: { file }, part };
      return [
        {
          ...about,
          name: isSingle ? join(basename(dirname(pictures)), name) : name,
          masks: shown.map((mask) => ({ file: mask })),
        },
      ];
    });
  });
  return { images, issues };
}

function masksOf(stem: string, folder: string): string[] {
  for (const name of [stem, `${stem}_mask`, `${stem}-mask`])
    for (const ending of MASK_ENDINGS) {
      const file = join(folder, name + ending);
      if (existsSync(file)) return [file];
    }
  const own = join(folder, stem);
  return statSync(own, { throwIfNoEntry: false })?.isDirectory() ? picturesIn(own) : [];
}

const picturesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => MASK_ENDINGS.includes(extname(name).toLowerCase()))
    .sort()
    .map((name) => join(folder, name));
