import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Context } from './command.ts';
import type { ResultWriter } from './output.ts';
import { printable } from './printable.ts';
import type { Services } from './services.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Opened = Awaited<ReturnType<Serving['openModel']>>;
type BoxDetector = Extract<Opened, { task: 'image_object_detection' }>;
type MaskDetector = Extract<Opened, { task: 'image_instance_segmentation' }>;
type Detector = BoxDetector | MaskDetector;
type Prediction = Awaited<ReturnType<Detector['predict']>>[number];
type Found = Extract<Prediction, { boxes: unknown }>;

/** One image's answer, the file that it is about, and the picture on which its boxes were drawn. */
type Answer = { file: string } & Prediction & { picture?: string };

/** An answer with the outlines that are drawn of its objects; without any of a model of boxes. */
interface Seen {
  readonly answer: Prediction;
  readonly outlines?: readonly (readonly (readonly number[])[])[];
}

interface ObjectPredictions {
  readonly context: Context;
  readonly model: Detector;
  readonly files: readonly string[];
  /** Null: text for people. */
  readonly write: ResultWriter | null;
  /** Folder for pictures with objects drawn on them; null: none are drawn. */
  readonly pictures: string | null;
  readonly tell: (answer: { file: string; error: string }) => void;
}

/** Says what a detector finds, image after image. @returns how many images could not be read */
export async function predictObjects({
  context,
  model,
  files,
  write,
  pictures,
  tell,
}: ObjectPredictions): Promise<number> {
  const { out } = context.terminal;
  const serving = await context.services.serving();
  const draw = pictures === null ? null : await drawing(context, model, pictures);
  const answers: Answer[] = [];
  for (const file of files) {
    const seen = await look(serving, model, file);
    const answer: Answer = { file, ...seen.answer };
    answers.push(answer);
    if ('error' in answer) {
      tell(answer);
      continue;
    }
    if (draw) answer.picture = await draw(file, answer, seen.outlines);
    if (write !== null) continue;
    const boxes = answer.boxes.map((each) => ({ ...each, label: printable(each.label) }));
    out.write(`${serving.formatObjects(printable(file), { boxes })}\n`);
    if (answer.picture !== undefined) out.write(`  drawn in ${printable(answer.picture)}\n`);
  }
  await write?.(answers, answers.flatMap(tableRows));
  return answers.filter((answer) => 'error' in answer).length;
}

/** Points of an outline that is drawn where the answer has pictures of masks instead. */
const DRAWN_POINTS = 1000;

async function look(serving: Serving, model: Detector, file: string): Promise<Seen> {
  if (model.task === 'image_object_detection') return { answer: (await model.predict([file]))[0] };
  const [found] = await model.find([file]);
  if ('error' in found) return { answer: found };
  const answer = await model.answer(found);
  const outlines = answer.boxes.map((object, i) =>
    'polygon' in object ? object.polygon : serving.normalisedOutline(found.masks[i], DRAWN_POINTS),
  );
  return { answer, outlines };
}

/** A function that draws an image's objects and gives the path of the picture. */
async function drawing(context: Context, model: Detector, folder: string) {
  const { drawOnImage } = await context.services.data();
  await mkdir(folder, { recursive: true });
  const taken = new Set<string>();
  return async (file: string, { boxes }: Found, outlines?: Seen['outlines']): Promise<string> => {
    const name = basename(file, extname(file));
    let path = join(folder, `${name}.jpg`);
    for (let i = 2; taken.has(path); i++) path = join(folder, `${name}-${i}.jpg`);
    taken.add(path);
    const objects = boxes.map(({ box: { topX, topY, bottomX, bottomY }, label, score }, i) => ({
      box: [topX, topY, bottomX, bottomY] as const,
      ...(outlines && { polygons: outlines[i] }),
      label,
      score,
    }));
    // The best one lies on top.
    await writeFile(path, await drawOnImage(file, objects.reverse(), { classes: model.labels }));
    return path;
  };
}

function tableRows(answer: Answer): Record<string, unknown>[] {
  if ('error' in answer) return [{ file: answer.file, error: answer.error }];
  const short = (value: number): number => Number(value.toFixed(4));
  return answer.boxes.map(({ box, label, score }: Found['boxes'][number]) => ({
    ...{ file: answer.file, label, score: short(score) },
    ...{ topX: short(box.topX), topY: short(box.topY), bottomX: short(box.bottomX), bottomY: short(box.bottomY) },
  }));
}
