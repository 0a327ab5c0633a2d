import type { ImageAddresses } from './image-url.ts';

/** What a deployment's instance is started with, as it stands in JSON. Names that Azure's deployments have are theirs, in camelCase. */
export interface InstanceOptions {
  /** The model folder. */
  readonly model: string;
  /** Deployment's name, in logs and in the header `azureml-model-deployment` of answers. */
  readonly deployment: string | null;
  /** Where it listens. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Path of a socket to listen at, in place of host and port. */
  readonly socket: string | null;
  /** From the whole request to its answer. */
  readonly requestTimeoutMs: number;
  readonly maxConcurrentRequestsPerInstance: number;
  /** A request that waited so long to be worked on is sent away. */
  readonly maxQueueWaitMs: number;
  /** Requests that wait, at most. */
  readonly maxQueuedRequests: number;
  /** Largest body of a request. */
  readonly maxRequestBytes: number;
  /** Largest image, in pixels: what is sent in kilobytes can be gigabytes when it is decoded. */
  readonly maxImagePixels: number;
  /** All bodies that are held at once. */
  readonly maxHeldBytes: number;
  /** From the first byte of a request to its last. */
  readonly receiveTimeoutMs: number;
  /** After SIGTERM: requests that are worked on then have so long. */
  readonly drainTimeoutMs: number;
  /** Of the network; 0: as many as the machine has cores. */
  readonly threads: number;
  /** Images that go through the network together, at most; 1: each alone. Fewer do where more are not answered faster. */
  readonly maxBatchImages: number;
  /** Images may be given by their addresses: not at all, on the public internet, or anywhere. */
  readonly imageAddresses: ImageAddresses;
  /**
   * A module (a path, or a `file:` URL) that exports `openExplainer`; a thread loads it when the first explanation is asked for.
   * Default: the one that explains on libtorch. Null: nothing is explained.
   */
  readonly explainer: string | null;
  /** Of what happens: `debug` has probes, too. */
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

type Rule = (value: unknown) => string | null;

const text: Rule = (value) => (typeof value === 'string' && value !== '' ? null : 'should be a text');
const textOrNull: Rule = (value) => (value === null ? null : text(value));
const whole =
  (least: number, most: number): Rule =>
  (value) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most
      ? null
      : `should be a whole number, ${least} … ${most}`;
const oneOf =
  (...names: string[]): Rule =>
  (value) =>
    names.includes(value as string) ? null : `should be one of ${names.join(', ')}`;

const HOUR = 3_600_000;
/** What mini-batches of batch deployments may take. */
const THREE_DAYS = 72 * HOUR;
const GIB = 2 ** 30;
/** A text of JavaScript cannot be much longer, and a request is one. */
const LARGEST_REQUEST = GIB / 4;
/** What can be decoded at all. */
const MOST_PIXELS = 178_956_970;

const RULES: Record<keyof InstanceOptions, Rule> = {
  model: text,
  deployment: textOrNull,
  host: text,
  port: whole(0, 65535),
  socket: textOrNull,
  requestTimeoutMs: whole(1, THREE_DAYS),
  maxConcurrentRequestsPerInstance: whole(1, 10_000),
  maxQueueWaitMs: whole(0, THREE_DAYS),
  maxQueuedRequests: whole(0, 100_000),
  maxRequestBytes: whole(1, LARGEST_REQUEST),
  maxImagePixels: whole(1, MOST_PIXELS),
  maxHeldBytes: whole(1, 1024 * GIB),
  receiveTimeoutMs: whole(1, THREE_DAYS),
  drainTimeoutMs: whole(0, HOUR),
  threads: whole(0, 1024),
  maxBatchImages: whole(1, 256),
  imageAddresses: oneOf('none', 'public', 'any'),
  explainer: textOrNull,
  logLevel: oneOf('debug', 'info', 'warn', 'error', 'silent'),
};

/** Azure's defaults where it has any. */
const DEFAULTS: Omit<InstanceOptions, 'model'> = {
  deployment: null,
  host: '127.0.0.1',
  port: 0,
  socket: null,
  requestTimeoutMs: 5000,
  maxConcurrentRequestsPerInstance: 1,
  maxQueueWaitMs: 500,
  maxQueuedRequests: 500,
  maxRequestBytes: 32 * 2 ** 20,
  maxImagePixels: 100e6,
  maxHeldBytes: 256 * 2 ** 20,
  receiveTimeoutMs: 30_000,
  drainTimeoutMs: 30_000,
  threads: 0,
  maxBatchImages: 32,
  imageAddresses: 'public',
  explainer: new URL('./libtorch-explainer.ts', import.meta.url).href,
  logLevel: 'info',
};

/**
 * Options with their defaults.
 *
 * @throws TypeError for unknown ones and values out of range, all at once
 */
export function instanceOptions(given: unknown): InstanceOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError('the options of an instance should be an object: {"model": "<folder>"}');
  const options: Record<string, unknown> = { ...DEFAULTS, ...given };
  const problems = Object.keys(given)
    .filter((key) => !Object.hasOwn(RULES, key))
    .map((key) => `${JSON.stringify(key)} is no option; there are ${Object.keys(RULES).join(', ')}`);
  for (const [key, rule] of Object.entries(RULES)) {
    const problem = rule(options[key]);
    if (problem) problems.push(options[key] === undefined ? `${key} is missing` : `${key} ${problem}`);
  }
  if (problems.length > 0) throw new TypeError(`an instance cannot be started so: ${problems.join('; ')}`);
  return options as unknown as InstanceOptions;
}
