import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobFolder } from '@fovea/automl/runs';
import { batchJobType, batchPaths } from '../endpoints/batch/batch-job.ts';
import { type Place, trialFolderOf } from '../place.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { Store, TrialRow } from '../store/index.ts';
import { checkName } from './asset-reference.ts';

/** The datastore that every workspace has: a folder in it. */
export const defaultDatastore = 'workspaceblobstore';

export const datastoreFolder = ({ folder }: Pick<Place, 'folder'>, name: string): string =>
  join(folder, 'datastores', name);

/** Where the files are that an address means. */
export interface Located {
  /** Absolute. */
  readonly path: string;
  /** The trial that left them; null for those of people. */
  readonly trial: TrialRow | null;
}

export interface LocateOptions {
  /** Where relative paths begin; null: there are none. */
  readonly baseFolder: string | null;
  /** Any file of this machine may be meant, and not only those of the workspace. */
  readonly anywhere: boolean;
  /** Absolute: what is found may name files in there, and no others. */
  readonly within?: string;
}

const datastoreUri =
  /^azureml:\/\/(?:subscriptions\/[^/]+\/resourcegroups\/[^/]+\/(?:providers\/[^/]+\/)?workspaces\/[^/]+\/)?datastores\/([^/]+)\/paths\/(.*)$/is;
const runUri =
  /^(?:azureml:\/\/(?:subscriptions\/[^/]+\/resourcegroups\/[^/]+\/(?:providers\/[^/]+\/)?workspaces\/[^/]+\/)?jobs\/([^/]+)\/outputs\/|runs:\/([^/]+)\/)(.*)$/is;

/**
 * What an address of a datastore means: its folder, and a path in it, whether or not it is there.
 * @returns null for another address
 * @throws Refusal when there is no such datastore
 */
export function datastorePlace(
  place: Pick<Place, 'folder'>,
  address: string,
): { readonly folder: string; readonly path: string } | null {
  const datastore = datastoreUri.exec(address);
  if (!datastore) return null;
  const [name, path] = [decoded(datastore[1]), decoded(datastore[2])];
  if (name !== defaultDatastore)
    throw notFound(`there is no datastore ${JSON.stringify(name)}; there is ${defaultDatastore}`);
  return { folder: datastoreFolder(place, name), path };
}

/**
 * Finds what an address means: a path, `file:`, what a job or trial left (`azureml://jobs/<name>/outputs/artifacts/…`,
 * `azureml://jobs/<name>/outputs/best_model`, `runs:/<name>/…`), or a file of the workspace's datastore
 * (`azureml://datastores/workspaceblobstore/paths/…`).
 *
 * @throws Refusal for what is not there, cannot be read by this release, or is not for who asks
 */
export async function locate(
  place: Pick<Place, 'folder'>,
  store: Store,
  address: string,
  options: LocateOptions,
): Promise<Located> {
  if (address === '' || address.includes('\0')) throw invalid('the path is empty or no text', 'path');
  const run = runUri.exec(address);
  if (run) return locateOutput(place, store, decoded(run[1] ?? run[2]), decoded(run[3]), run[1] !== undefined);
  const datastore = datastorePlace(place, address);
  if (datastore) return { path: await existing(datastore.folder, datastore.path, address), trial: null };
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1].toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    const forms = `a path, azureml://jobs/<trial>/outputs/artifacts/outputs/mlflow-model/ or azureml://datastores/${defaultDatastore}/paths/…`;
    throw invalid(`${address} cannot be read by this release; it reads ${forms}`, 'path', 'UnsupportedPath');
  }
  return { path: await localPath(place, address, options), trial: null };
}

async function localPath(
  place: Pick<Place, 'folder'>,
  address: string,
  { baseFolder, anywhere }: LocateOptions,
): Promise<string> {
  let path = address;
  if (/^file:/i.test(address)) {
    try {
      path = fileURLToPath(address);
    } catch {
      throw invalid(`${address} is no address of a file on this machine`, 'path');
    }
  }
  if (!isAbsolute(path) && baseFolder === null) {
    throw invalid(
      `${path} is relative, and a server does not know to what; name an absolute path or a data asset`,
      'path',
    );
  }
  const whole = resolve(baseFolder ?? '/', path);
  if (anywhere) return whole;
  // Whether it is there is not told either.
  const allowed = await realpath(datastoreFolder(place, defaultDatastore)).catch(() => null);
  const real = await realpath(whole).catch(() => null);
  if (allowed !== null && real !== null && (real === allowed || real.startsWith(allowed + sep))) return whole;
  const hint = `an owner may name any path, or register the data (fovea data create); others name data assets and files of ${defaultDatastore}`;
  throw new Refusal('forbidden', 'PathNotAllowed', `files of the server's machine are for owners: ${hint}`, {
    target: 'path',
  });
}

/** Where trials keep what others may use. */
const shared = ['outputs', 'train_artifacts', 'user_logs', 'logs', 'system_logs'];

async function locateOutput(
  place: Pick<Place, 'folder'>,
  store: Store,
  run: string,
  rest: string,
  isAzureml: boolean,
): Promise<Located> {
  checkName(run, 'job');
  const scored = isAzureml ? await scoredBy(place, store, run, rest) : null;
  if (scored !== null) return scored;
  const trial = await trialOf(store, run);
  const folder = trialFolderOf(place, trial.name);
  let path = rest;
  if (isAzureml) {
    const [output = '', ...inside] = rest.split('/');
    const below = (inside[0] === 'paths' ? inside.slice(1) : inside).join('/');
    if (output === 'best_model' || output === 'mlflow_model_folder') path = `outputs/mlflow-model/${below}`;
    else if (output === 'artifacts' || output === 'default') path = below;
    else throw notFound(`${run} has no output ${JSON.stringify(output)}; there are artifacts and best_model`);
  }
  const [first, ...inside] = path.split('/').filter((part) => part !== '' && part !== '.');
  if (first === undefined || !shared.includes(first)) {
    throw notFound(`${run} has nothing at ${JSON.stringify(path)}; what it left begins with ${shared.join('/, ')}/`);
  }
  await requireFolder(place, trial);
  return { path: await existing(join(folder, first), inside.join('/'), `${run}'s ${path}`), trial };
}

/** What a job that scores pictures left; null for a job of another kind. */
async function scoredBy(
  place: Pick<Place, 'folder'>,
  store: Store,
  run: string,
  rest: string,
): Promise<Located | null> {
  if ((await store.jobs.find(run))?.type !== batchJobType) return null;
  const [output = '', ...inside] = rest.split('/');
  if (output !== 'score') throw notFound(`${run} has no output ${JSON.stringify(output)}; there is score`);
  const below = (inside[0] === 'paths' ? inside.slice(1) : inside).join('/');
  return { path: await existing(batchPaths(place, run).results, below, `${run}'s score`), trial: null };
}

async function requireFolder(place: Pick<Place, 'folder'>, { name, job }: TrialRow): Promise<void> {
  if ((await stat(jobFolder(place.folder, job)).catch(() => null)) === null) {
    throw notFound(`the files of ${name} are not on this machine`);
  }
}

/** The trial that a name means: of a job its best one. */
async function trialOf(store: Store, run: string): Promise<TrialRow> {
  const trial = await store.trials.find(run);
  if (trial) return trial;
  const job = await store.jobs.find(run);
  if (!job) throw notFound(`there is no job or trial ${JSON.stringify(run)}`);
  const best = job.best_trial === null ? null : await store.trials.find(job.best_trial);
  if (best) return best;
  throw notFound(`${run} has no best trial: it is ${job.status}`);
}

/** A path below a folder. @throws Refusal when it is not there, or leads out of it */
async function existing(folder: string, path: string, named: string): Promise<string> {
  const whole = join(folder, path);
  const inside = whole === folder || whole.startsWith(folder + sep);
  const root = await realpath(folder).catch(() => null);
  const real = inside && root !== null ? await realpath(whole).catch(() => null) : null;
  if (real !== null && (real === root || real.startsWith(root + sep))) return whole;
  throw notFound(`there is nothing at ${named}`);
}

const notFound = (message: string) => new Refusal('not-found', 'PathNotFound', message, { target: 'path' });

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(`${JSON.stringify(part)} is not text that stands in an address`, 'path');
  }
}
