import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { type Logger, pino } from 'pino';
import { Admission } from './admission.ts';
import type { Explain } from './explanation.ts';
import { HeldBytes } from './held-bytes.ts';
import { ImageReaders } from './image-readers.ts';
import { instanceMetrics } from './instance-metrics.ts';
import { instanceServer } from './instance-server.ts';
import { type InstanceOptions, instanceOptions } from './options.ts';
import { Scorer } from './scorer.ts';
import { ScoringModel, type ServedModel } from './served-model.ts';
import { ThreadExplainer } from './thread-explainer.ts';
import { warmUp } from './warm-up.ts';

/** A model that answers over HTTP. */
export interface Instance {
  readonly model: ServedModel;
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number } | { readonly socket: string };
  /** Resolves when it can answer no more without having been told to end. */
  readonly broken: Promise<Error>;
  /**
   * Takes no new connections, answers what has come, and ends. What is not answered within `drainTimeoutMs` is cut off.
   * A second call waits for the first.
   */
  drain(): Promise<void>;
}

export interface InstanceParts {
  /** In place of the option `explainer`. */
  readonly explain?: Explain;
  /** Default: JSON on standard output. */
  readonly log?: Logger;
}

/** The network has been at one batch for so long that it will not come back. */
const STUCK_SECONDS = 60;
/** Of the time that a request has, what a batch may take: an image may come just when one begins. */
const WAITING_SHARE = 0.2;
const FEWEST_READERS = 2;
const MOST_READERS = 8;

/**
 * Loads a model folder on ONNX Runtime and serves it.
 *
 * ```ts
 * const instance = await startInstance({ model: 'outputs/mlflow-model', port: 5001 });
 * // POST http://127.0.0.1:5001/score
 * await instance.drain();
 * ```
 * @throws TypeError for options that are not in order
 * @throws Error in the words of ModelFolderError or OnnxError; that of `listen`
 */
export async function startInstance(
  given: { readonly model: string } & Partial<InstanceOptions>,
  { explain, log: givenLog }: InstanceParts = {},
): Promise<Instance> {
  const begun = performance.now();
  const options = instanceOptions(given);
  const log = givenLog ?? pino({ level: options.logLevel });
  const readers = new ImageReaders(Math.min(MOST_READERS, Math.max(FEWEST_READERS, availableParallelism())), {
    mostPixels: options.maxImagePixels,
    onRead: (seconds) => metrics.read(seconds),
  });
  const { threads, maxBatchImages } = options;
  const onBatch = ({ images, seconds }: { images: number; seconds: number }) => metrics.batch(images, seconds);
  let draining: Promise<void> | null = null;
  const {
    maxConcurrentRequestsPerInstance: most,
    maxQueuedRequests: mostWaiting,
    maxQueueWaitMs: longestWait,
  } = options;
  const admission = new Admission({ most, mostWaiting, longestWait });
  const held = new HeldBytes(options.maxHeldBytes, 'this instance');
  const metrics = instanceMetrics({
    active: () => admission.inside,
    waiting: () => admission.waiting,
    imagesWaiting: () => readers.waiting + model.waiting,
    heldBytes: () => held.held,
    ready: () => draining === null && model.ended === null,
  });
  const model = await ScoringModel.open(options.model, {
    ...{ threads, maxBatchImages, onBatch },
    longestBatchSeconds: (options.requestTimeoutMs / 1000) * WAITING_SHARE,
  }).catch(async (error) => {
    await readers.close();
    throw error;
  });
  const unhealthy = (): string | null => {
    if (model.ended) return `the network ended: ${model.ended.message}`;
    const longest = Math.max(STUCK_SECONDS, (2 * options.requestTimeoutMs) / 1000);
    return model.busySeconds > longest ? `the network has had one batch for ${Math.round(model.busySeconds)} s` : null;
  };
  const explainer = options.explainer === null ? null : new ThreadExplainer(options.explainer, options.model);
  const scorer = new Scorer({
    model,
    readers,
    explain: explain ?? explainer?.explain ?? null,
    imageAddresses: options.imageAddresses,
    mostBytes: options.maxRequestBytes,
  });
  const server = instanceServer({
    ...{ options, model: model.model, scorer, admission, held, metrics, log, unhealthy },
    unready: () => (draining ? 'this instance is ending; try another' : unhealthy()),
  });
  const end = async () => {
    await Promise.all([readers.close(), model.close(), explainer?.close()]);
  };
  try {
    await warmUp(readers, model);
    // A socket that a killed process left.
    if (options.socket !== null) await rm(options.socket, { force: true });
    server.listen(options.socket === null ? { host: options.host, port: options.port } : { path: options.socket });
    await once(server, 'listening');
  } catch (error) {
    await end();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const address = options.socket === null ? { host: options.host, port } : { socket: options.socket };
  const ms = Math.round(performance.now() - begun);
  const { task, modelName, labels } = model.model;
  log.info({ ...address, task, model: modelName, labels: labels.length, ms }, 'ready');

  const drain = async () => {
    log.info({ active: admission.inside, waiting: admission.waiting }, 'draining');
    const closed = once(server, 'close');
    server.close();
    const timer = setTimeout(() => server.closeAllConnections(), options.drainTimeoutMs);
    await closed;
    clearTimeout(timer);
    await end();
    log.info('ended');
  };
  return {
    model: model.model,
    address,
    broken: model.broken,
    drain() {
      draining ??= drain();
      return draining;
    },
  };
}
