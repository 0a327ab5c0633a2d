import { open } from 'node:fs/promises';
import { WholeFile } from './whole-file.ts';

/** A picture of the input, as the kept list has it: a line each, so that whoever goes on with a job sees the same pictures in the same order. */
export interface InputItem {
  /** What people call it: a path below the input, or the table and the line that it stands in. */
  readonly name: string;
  readonly source:
    | { readonly kind: 'file'; readonly path: string; readonly bytes: number; readonly modified: number }
    | { readonly kind: 'base64'; readonly base64: string }
    | { readonly kind: 'address'; readonly url: string }
    /** It cannot be scored, and this is why. */
    | { readonly kind: 'fault'; readonly message: string };
  /** `xai_parameters` of its row, when that asks for an explanation. */
  readonly explain?: object;
}

/** Writes the list whole. @returns how many there are */
export async function writeInputList(path: string, items: AsyncIterable<InputItem>): Promise<number> {
  const file = new WholeFile(path);
  let count = 0;
  for await (const item of items) {
    count++;
    await file.write(`${lineOf(item)}\n`);
  }
  await file.close();
  return count;
}

/** Readers of lines take these two for ends of lines. */
const lineOf = (item: InputItem): string =>
  JSON.stringify(item).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

/** Pictures that are scored and kept together. */
export interface MiniBatch {
  /** From 0. */
  readonly number: number;
  /** Of its first picture in the whole input, from 0. */
  readonly first: number;
  readonly items: readonly InputItem[];
}

/** The mini-batches of a kept list, in order, read as they are asked for. */
export async function* miniBatchesOf(path: string, size: number): AsyncGenerator<MiniBatch> {
  let items: InputItem[] = [];
  let number = 0;
  const take = (): MiniBatch => ({ number, first: number * size, items });
  const file = await open(path);
  for await (const line of file.readLines()) {
    items.push(JSON.parse(line));
    if (items.length < size) continue;
    yield take();
    number++;
    items = [];
  }
  if (items.length > 0) yield take();
}
