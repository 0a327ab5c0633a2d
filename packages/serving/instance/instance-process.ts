import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { instanceOptions } from './options.ts';
import type { ServedModel } from './served-model.ts';
import { type Instance, startInstance } from './start-instance.ts';

/** What an instance tells the process that started it. */
export type InstanceMessage =
  | { readonly kind: 'ready'; readonly address: Instance['address']; readonly model: ServedModel }
  | { readonly kind: 'failed'; readonly message: string };

/** A line for each request, written one by one, costs a quarter of what a small request costs. What is left is written at the end. */
const LOG = { sync: false, minLength: 16_000, periodicFlush: 200 };

/** The life of an instance's process. Exit codes: 0, it was told to end; 1, it could not start, or it broke. */
export async function instanceProcess(): Promise<void> {
  const isChild = process.connected;
  const tell = (message: InstanceMessage) => process.connected && process.send?.(message);
  const log = pino(pino.destination(LOG));
  const fail = (error: unknown): never => {
    const message = error instanceof Error ? error.message : String(error);
    tell({ kind: 'failed', message });
    log.fatal({ err: error }, message);
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const options = await givenOptions().then(instanceOptions).catch(fail);
  log.level = options.logLevel;
  const instance = await startInstance(options, { log }).catch(fail);
  const end = () =>
    instance.drain().then(() => {
      process.exit(0);
    }, fail);
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, end);
  instance.broken.then(fail);
  // Who started it may have gone while the model was loaded.
  if (isChild && !process.connected) await end();
  tell({ kind: 'ready', address: instance.address, model: instance.model });
}

async function givenOptions(): Promise<unknown> {
  const [argument] = process.argv.slice(2);
  if (argument === undefined)
    throw new TypeError('the options are missing: give them as JSON, or - for standard input');
  const json = argument === '-' ? await text(process.stdin) : argument;
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new TypeError(`the options are not JSON: ${error instanceof Error ? error.message : error}`);
  }
}
