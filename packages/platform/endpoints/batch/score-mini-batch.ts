import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Outcome } from './ask-instance.ts';
import type { InputItem, MiniBatch } from './input-item.ts';

export interface Scoring {
  /** Asks an instance; `alone` when no other request may be in it. */
  ask(elements: readonly string[], alone: boolean): Promise<Outcome>;
  readonly maxRetries: number;
  /** `xai_parameters` for every picture; null: what each asks for itself. */
  readonly explain: object | null;
  readonly say: (level: 'warning' | 'debug', message: string) => void;
}

/** The answer to a picture, or why there is none. */
export type Scored = { readonly answer: Readonly<Record<string, unknown>> } | { readonly error: string };

/** Larger than a request is made of several pictures, in characters. */
const largestRequest = 24 * 2 ** 20;
/** What an instance takes, in bytes of the picture's file. */
const largestFile = 180 * 2 ** 20;
const firstPauseMilliseconds = 200;

interface Asked {
  /** In the mini-batch. */
  readonly index: number;
  readonly name: string;
  readonly element: string;
}

/**
 * Scores the pictures of a mini-batch: in one request, or as few as their size allows. What an instance refuses is asked again picture by
 * picture, so that one broken picture fails alone; what a request failed of (too long, a dead process) is asked again picture by picture,
 * each with an instance of its own, as often as `maxRetries` says, with growing pauses.
 *
 * @returns in the order of the mini-batch
 * @throws the error of `ask`, when no instance can be started
 */
export async function scoreMiniBatch({ items }: MiniBatch, scoring: Scoring): Promise<Scored[]> {
  const results: Scored[] = items.map(() => ({ error: 'it was not asked' }));
  let chunk: Asked[] = [];
  let size = 0;
  const flush = async () => {
    if (chunk.length > 0) await scoreTogether(chunk, results, scoring);
    chunk = [];
    size = 0;
  };
  for (const [index, item] of items.entries()) {
    const read = await elementOf(item, scoring.explain);
    if ('error' in read) {
      results[index] = read;
      continue;
    }
    if (size + read.element.length > largestRequest) await flush();
    chunk.push({ index, name: item.name, element: read.element });
    size += read.element.length;
  }
  await flush();
  return results;
}

async function scoreTogether(asked: readonly Asked[], results: Scored[], scoring: Scoring): Promise<void> {
  const outcome = await scoring.ask(
    asked.map(({ element }) => element),
    false,
  );
  if (outcome.kind === 'answered') {
    for (const [i, { index }] of asked.entries()) results[index] = { answer: outcome.answers[i] };
    return;
  }
  const isOne = asked.length === 1;
  if (outcome.kind === 'refused') {
    if (isOne) results[asked[0].index] = { error: outcome.message };
    else {
      scoring.say('debug', `a picture of ${asked.length} was refused; they are asked one by one`);
      for (const one of asked) await scoreTogether([one], results, scoring);
    }
    return;
  }
  const which = isOne ? asked[0].name : `${asked.length} pictures (${asked[0].name}, …)`;
  const next = scoring.maxRetries > 0 ? '; asked again, one by one' : '';
  scoring.say('warning', `${which}: ${outcome.message}${next}`);
  for (const one of asked) results[one.index] = await scoreAlone(one, outcome.message, scoring);
}

/** @param before why it failed so far */
async function scoreAlone({ name, element }: Asked, before: string, scoring: Scoring): Promise<Scored> {
  let error = before;
  for (let retry = 0; retry < scoring.maxRetries; retry++) {
    if (retry > 0) await wait(firstPauseMilliseconds * 2 ** (retry - 1));
    const outcome = await scoring.ask([element], true);
    if (outcome.kind === 'answered') return { answer: outcome.answers[0] };
    if (outcome.kind === 'refused') return { error: outcome.message };
    error = outcome.message;
    scoring.say('warning', `${name}: ${error} (try ${retry + 2} of ${scoring.maxRetries + 1})`);
  }
  const tries = scoring.maxRetries === 0 ? '' : `, in each of ${scoring.maxRetries + 1} tries`;
  return { error: `${error}${tries}` };
}

/** A picture as it stands in a request. */
async function elementOf(
  { source, explain: own }: InputItem,
  all: object | null,
): Promise<{ element: string } | { error: string }> {
  const explain = own ?? all;
  const parameters = explain === null ? null : { ...all, ...own };
  if (source.kind === 'fault') return { error: source.message };
  if (source.kind === 'address') {
    return parameters === null
      ? { element: source.url }
      : { error: 'a picture that is named by its address is not explained; give the picture itself' };
  }
  const read = source.kind === 'file' ? await base64Of(source) : { base64: source.base64 };
  if ('error' in read) return read;
  if (parameters === null) return { element: read.base64 };
  const asked = { image_base64: read.base64, model_explainability: true, xai_parameters: parameters };
  return { element: JSON.stringify(asked) };
}

async function base64Of({
  path,
  bytes,
  modified,
}: Extract<InputItem['source'], { kind: 'file' }>): Promise<{ base64: string } | { error: string }> {
  try {
    // A pipe in its place would keep whoever opens it waiting.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    const { size, mtimeMs } = found;
    if (!found.isFile() || size !== bytes || mtimeMs !== modified)
      return { error: 'the file has changed since the job was started' };
    if (size === 0) return { error: 'the file is empty' };
    if (size > largestFile) {
      return {
        error: `the file has ${size.toLocaleString('en')} bytes, more than the ${largestFile.toLocaleString('en')} that are read`,
      };
    }
    return { base64: (await file.readFile()).toString('base64') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { error: code === 'ENOENT' ? 'the file is not there any more' : `the file cannot be read: ${message}` };
  }
}
