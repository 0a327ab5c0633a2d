import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { download, type OnProgress } from './download.ts';
import type { WeightSource } from './source.ts';
import { WeightsError } from './weights-error.ts';

export interface LocateOptions {
  /** A checkpoint that the person named: it is taken, whatever it is. */
  path?: string | undefined;
  /** Bytes of a running download. */
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
  /** `FOVEA_WEIGHTS`: folder of weights that are there already. `FOVEA_OFFLINE=1`: nothing is fetched. */
  env?: Readonly<Record<string, string | undefined>>;
  fetch?: typeof globalThis.fetch;
  /** Where downloads are kept; `$XDG_CACHE_HOME/fovea/weights` or `~/.cache/fovea/weights` when not given. */
  cacheFolder?: string;
}

export interface LocatedWeights {
  readonly path: string;
  readonly origin: 'given' | 'folder' | 'cache' | 'download';
  /** What the person should know, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Finds the file of a published checkpoint: the path given, the folder `FOVEA_WEIGHTS`, the cache, the network.
 *
 * A file in the person's folder is taken even if its hash is not the published one (people convert and rename), with a warning;
 * a download or a cached file is not.
 *
 * @throws WeightsError `not-found` for a path or folder that is not there; `unavailable`, `corrupt` or `unwritable` with
 *   what to fetch from where and the folder to put it in. The signal's reason when it is aborted.
 */
export async function locateWeights(source: WeightSource, options: LocateOptions = {}): Promise<LocatedWeights> {
  const { env = process.env, fetch = globalThis.fetch, onProgress, signal } = options;
  if (options.path !== undefined) {
    if (await isFile(options.path)) return { path: options.path, origin: 'given', warnings: [] };
    throw new WeightsError({ code: 'not-found', file: options.path, problem: 'there is no such file' });
  }
  const folder = env.FOVEA_WEIGHTS || undefined;
  const inFolder = folder === undefined ? null : await findInFolder(source, folder, signal);
  if (inFolder) return inFolder;

  const cacheFolder = options.cacheFolder ?? join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fovea', 'weights');
  const cached = join(cacheFolder, source.paths[0]);
  const isCached = await isFile(cached);
  const damage = isCached ? await hashProblem(source, cached, signal) : null;
  if (isCached && damage === null) return { path: cached, origin: 'cache', warnings: [] };

  const state = damage === null ? 'is not on this machine' : `${cached} ${damage}`;
  const advice = adviceFor(source, { folder, cacheFolder, env });
  if (env.FOVEA_OFFLINE === '1') {
    const code = damage === null ? 'unavailable' : 'corrupt';
    throw new WeightsError({
      code,
      file: source.file,
      problem: `${state}, and FOVEA_OFFLINE=1 forbids to fetch it`,
      advice,
    });
  }
  try {
    await download(source.url, cached, { fetch, sha256: source.sha256, onProgress, signal });
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    const { code, problem } = error;
    throw new WeightsError({ code, file: source.file, problem: `${state}, and ${problem}`, advice }, error);
  }
  const warnings = damage === null ? [] : [`${cached} ${damage}; it was fetched again`];
  return { path: cached, origin: 'download', warnings };
}

async function findInFolder(
  source: WeightSource,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<LocatedWeights | null> {
  if (!(await stat(folder).catch(() => null))?.isDirectory()) {
    throw new WeightsError({
      code: 'not-found',
      file: folder,
      problem: 'FOVEA_WEIGHTS names this folder, but it is not there',
      advice: ['Create it, name another folder, or unset FOVEA_WEIGHTS.'],
    });
  }
  for (const name of source.paths) {
    const path = join(folder, name);
    if (!(await isFile(path))) continue;
    // The hash is that of the published format; a conversion has its own.
    const comparable = path.endsWith(extension(source.file));
    const problem = comparable ? await hashProblem(source, path, signal) : null;
    return { path, origin: 'folder', warnings: problem === null ? [] : [`${path} ${problem}; it is used as it is`] };
  }
  return null;
}

/** What is wrong with a file's hash, or null. */
async function hashProblem(
  source: WeightSource,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  if (source.sha256 === null) return null;
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) }))
    hash.update(part);
  const digest = hash.digest('hex');
  if (digest.startsWith(source.sha256)) return null;
  return `is not the published file: its SHA-256 should begin with ${source.sha256}, but is ${digest}`;
}

interface Places {
  folder: string | undefined;
  cacheFolder: string;
  env: Readonly<Record<string, string | undefined>>;
}

function adviceFor(source: WeightSource, { folder, cacheFolder, env }: Places): string[] {
  const advice = [
    `  fetch  ${source.url}   (licence ${source.licence})`,
    folder === undefined
      ? `  save   ${join(cacheFolder, source.paths[0])}   (or ${source.paths[0]} in a folder of yours, with FOVEA_WEIGHTS set to that folder)`
      : `  save   ${join(resolve(folder), source.paths[0])}   (FOVEA_WEIGHTS; ${source.paths.slice(1).join(' and ')} would do, too)`,
  ];
  const proxy = env.HTTPS_PROXY || env.https_proxy;
  if (proxy && env.NODE_USE_ENV_PROXY !== '1')
    advice.push(`  or set NODE_USE_ENV_PROXY=1 to fetch through the proxy ${withoutPassword(proxy)}`);
  return advice;
}

function withoutPassword(proxy: string): string {
  return proxy.replace(/\/\/[^@/]*@/, '//');
}

function extension(file: string): string {
  return /\.\w+$/.exec(file)?.[0] ?? '';
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
