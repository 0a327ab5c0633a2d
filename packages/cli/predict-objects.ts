import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Context } from './command.ts';
import type { ResultWriter } from './output.ts';
import { printable } from './printable.ts';
import type { Services } from './services.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Detector = Extract<Awaited<ReturnType<Serving['openModel']>>, { task: 'image_object_detection' }>;

/** One image's answer, the file that it is about, and the picture on which its boxes were drawn. */
type Answer = { file: string } & Awaited<ReturnType<Detector['predict']>>[number] & { picture?: string };

interface ObjectPredictions {
  readonly context: Context;
  readonly model: Detector;
  readonly files: readonly string[];
  /** Null: text for people. */
  readonly write: ResultWriter | null;
  /** Folder for pictures with boxes drawn on them; null: none are drawn. */
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
    const [found] = await model.predict([file]);
    const answer: Answer = { file, ...found };
    answers.push(answer);
    if ('error' in answer) {
      tell(answer);
      continue;
    }
    if (draw) answer.picture = await draw(file, answer);
    if (write !== null) continue;
    const boxes = answer.boxes.map((each) => ({ ...each, label: printable(each.label) }));
    out.write(`${serving.formatObjects(printable(file), { boxes })}\n`);
    if (answer.picture !== undefined) out.write(`  drawn in ${printable(answer.picture)}\n`);
  }
  await write?.(answers, answers.flatMap(tableRows));
  return answers.filter((answer) => 'error' in answer).length;
}

/** A function that draws an image's boxes and gives the path of the picture. */
async function drawing(context: Context, model: Detector, folder: string) {
  const { drawOnImage } = await context.services.data();
  await mkdir(folder, { recursive: true });
  const taken = new Set<string>();
  return async (file: string, { boxes }: Extract<Answer, { boxes: unknown }>): Promise<string> => {
    const name = basename(file, extname(file));
    let path = join(folder, `${name}.jpg`);
    for (let i = 2; taken.has(path); i++) path = join(folder, `${name}-${i}.jpg`);
    taken.add(path);
    // The best one lies on top.
    const objects = boxes.toReversed().map(({ box: { topX, topY, bottomX, bottomY }, label, score }) => ({
      box: [topX, topY, bottomX, bottomY] as const,
      label,
      score,
    }));
    await writeFile(path, await drawOnImage(file, objects, { classes: model.labels }));
    return path;
  };
}

function tableRows(answer: Answer): Record<string, unknown>[] {
  if ('error' in answer) return [{ file: answer.file, error: answer.error }];
  const short = (value: number): number => Number(value.toFixed(4));
  return answer.boxes.map(({ box, label, score }) => ({
    ...{ file: answer.file, label, score: short(score) },
    ...{ topX: short(box.topX), topY: short(box.topY), bottomX: short(box.bottomX), bottomY: short(box.bottomY) },
  }));
}
