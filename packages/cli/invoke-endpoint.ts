import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { OnlineEndpointRecord, OnlineEndpoints } from '@fovea/platform/endpoints';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure, exitCodes, UsageError } from './failure.ts';
import { imageArguments, isImage } from './image-arguments.ts';
import type { ResultWriter } from './output.ts';
import { printable } from './printable.ts';
import { refusalOf, type ScoreAnswer, score } from './score.ts';
import { serverAddress, workspaceWords } from './workspace.ts';

export interface InvokeOptions extends CommonOptions {
  name: string;
  requestFile?: string;
  image?: string[];
  deploymentName?: string;
  local?: boolean;
}

type Ask = (body: Buffer | string, type: string) => Promise<ScoreAnswer>;

const shownClasses = 5;
/** For a gateway that is being started, and for instances. */
const patienceMilliseconds = 20_000;
const betweenTriesMilliseconds = 500;

/** Sends a request file, or pictures, to an endpoint, and writes its answers. @throws CommandFailure when it refuses */
export async function invokeEndpoint(
  context: Context,
  options: InvokeOptions,
  endpoints: OnlineEndpoints,
  write: ResultWriter,
): Promise<void> {
  const { requestFile, image } = options;
  if ((requestFile === undefined) === (image === undefined))
    throw new UsageError('say what to send: --request-file or --image', '--image photo.jpg');
  const record = await answering(endpoints, options.name);
  const token = await tokenFor(endpoints, record, options);
  const { scoring_uri: url } = record;
  const { deploymentName: deployment } = options;
  const authority = await authorityOf(options);
  const ask: Ask = (body, type) => whenReady(() => score({ url, token, type, body, deployment, authority }));
  if (requestFile !== undefined) await sendFile(context, { ask, file: requestFile, name: options.name, write });
  else await sendImages(context, { ask, words: image ?? [], name: options.name, write });
}

/** The file of the authority that endpoints of a workspace, or of a server, show certificates of; null: there is none. */
async function authorityOf(options: InvokeOptions): Promise<string | null> {
  const server = await serverAddress(options);
  if (server !== null) return server.ca ?? null;
  const own = join(resolve(options.workspace), 'tls', 'ca.pem');
  return existsSync(own) ? own : null;
}

/** Instances that are being started, as after a restart of the machine, are waited for. */
async function whenReady(ask: () => Promise<ScoreAnswer>): Promise<ScoreAnswer> {
  const end = performance.now() + patienceMilliseconds;
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503 || performance.now() > end) return answer;
    await wait(betweenTriesMilliseconds);
  }
}

/** The endpoint, as soon as its gateway answers. */
async function answering(
  endpoints: OnlineEndpoints,
  name: string,
): Promise<OnlineEndpointRecord & { scoring_uri: string }> {
  await endpoints.find(name);
  const signal = AbortSignal.timeout(patienceMilliseconds);
  const record = await endpoints.applied(name, signal).catch((error) => {
    if (!signal.aborted) throw error;
    return null;
  });
  if (record === null || record.scoring_uri === null)
    throw new CommandFailure(`${name} does not answer yet`, { hint: 'keeper.log in the workspace says more' });
  return { ...record, scoring_uri: record.scoring_uri };
}

/** What the endpoint asks for: a key or a token of its own, or a token of the workspace. */
async function tokenFor(
  endpoints: OnlineEndpoints,
  { name, auth_mode }: OnlineEndpointRecord,
  options: InvokeOptions,
): Promise<string> {
  if (auth_mode === 'aad_token') {
    const token = (await serverAddress(options))?.token ?? process.env.FOVEA_TOKEN;
    if (token) return token;
    throw new CommandFailure(`${name} takes tokens of the workspace, and FOVEA_TOKEN has none`, {
      hint: `export FOVEA_TOKEN=$(fovea token create${workspaceWords(options)} --name me)`,
    });
  }
  const credentials = await endpoints.credentials(name);
  return 'accessToken' in credentials ? credentials.accessToken : credentials.primaryKey;
}

interface Sending {
  readonly ask: Ask;
  readonly name: string;
  readonly write: ResultWriter;
}

/** JSON as it is; a picture as the bytes that it has. */
async function sendFile(
  context: Context,
  { ask, file, name, write }: Sending & { readonly file: string },
): Promise<void> {
  const body = await bytesOf(file);
  const answer = await ask(body, isImage(file) ? 'application/octet-stream' : 'application/json');
  if (answer.status !== 200) throw new CommandFailure(`${name} answers ${refusalOf(answer)}`);
  if (answer.json === undefined) context.terminal.out.write(`${printable(answer.text)}\n`);
  else await write(answer.json, await rowsOf(context, answer.json));
}

/** Each picture in a request of its own, so that one that cannot be answered does not keep the others back. */
async function sendImages(
  context: Context,
  { ask, words, name, write }: Sending & { readonly words: readonly string[] },
): Promise<void> {
  const { err } = context.terminal;
  const answers: Record<string, unknown>[] = [];
  for (const file of await imageArguments(words)) {
    const data = [(await bytesOf(file)).toString('base64')];
    const answer = await ask(JSON.stringify({ input_data: { columns: ['image'], data } }), 'application/json');
    // Not a matter of the picture: the others would be answered so, too.
    if ([401, 403, 404].includes(answer.status)) throw new CommandFailure(`${name} answers ${refusalOf(answer)}`);
    const [found] = answer.status === 200 && Array.isArray(answer.json) ? answer.json : [];
    if (typeof found === 'object' && found !== null) {
      answers.push({ file, ...found });
      continue;
    }
    const error = refusalOf(answer);
    answers.push({ file, error });
    err.write(`${err.paint('red', 'error')} ${printable(file)}: ${error}\n`);
    context.exitCode = exitCodes.failed;
  }
  await write(answers, await rowsOf(context, answers));
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandFailure(code === 'ENOENT' ? `${file} is not there` : `${file} cannot be read: ${message}`);
  }
}

/** What of the answers has a place in a table: the likeliest labels, or what was found. */
async function rowsOf({ services }: Context, answers: unknown): Promise<Record<string, unknown>[] | undefined> {
  const list = Array.isArray(answers) ? answers : [answers];
  if (!list.every((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)) return undefined;
  const { topLabels } = await services.serving();
  return list.flatMap(({ file, error, probs, labels, boxes }, i) => {
    const named = file === undefined ? { image: i + 1 } : { file };
    if (error !== undefined) return [{ ...named, error }];
    if (Array.isArray(boxes))
      return boxes.map(({ label, score, box }) => ({ ...named, label, score: rounded(score), ...roundedBox(box) }));
    if (!Array.isArray(probs) || !Array.isArray(labels)) return [named];
    const likeliest = topLabels({ probs, labels }, shownClasses);
    return likeliest.map(({ label, probability }) => ({ ...named, label, probability: rounded(probability) }));
  });
}

const rounded = (value: unknown) => (typeof value === 'number' ? Number(value.toFixed(4)) : value);
const roundedBox = (box: unknown) =>
  typeof box === 'object' && box !== null
    ? Object.fromEntries(Object.entries(box).map(([corner, value]) => [corner, rounded(value)]))
    : {};
