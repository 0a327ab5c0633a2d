import { basename, dirname } from 'node:path';
import type { ImageJob } from '@fovea/automl';
import { shortPath } from '@fovea/data';
import { invalid, Refusal } from '../refusal.ts';
import { parseAssetReference, referenceTo } from '../registry/asset-reference.ts';
import { locate } from '../registry/locate.ts';
import { type UploadedKey, type UploadedPath, uploadedKeys } from '../wire/protocol.ts';
import type { SubmitOptions } from '../workspace.ts';
import { anonymousData } from './anonymous-data.ts';
import type { ServerParts } from './app.ts';
import { isObject } from './requests.ts';
import { type Uploads, uploadedPath } from './uploads.ts';

/** A job as a workspace takes it. */
export interface CheckedSubmission extends Pick<SubmitOptions, 'baseFolder' | 'weights' | 'fitToData'> {
  readonly job: ImageJob;
  /**
   * Lines about files of uploads, as `upload:<id>/<path>` instead of where they are on this machine, or `upload.<id>/<path>` where that is
   * told from the working directory.
   */
  readonly reword: (line: string) => string;
}

/**
 * Reads what a `fovea` on another machine wants to be trained. Nothing of it is believed: the job is checked as a job file is, and files
 * are those that came as an upload, or what anybody may name.
 *
 * @param who name of the token
 * @throws IssuesError for a job that is not right, Refusal for paths that are not for who asks
 */
export async function submission(
  parts: Pick<ServerParts, 'place' | 'store' | 'registry'>,
  uploads: Uploads,
  body: Record<string, unknown>,
  who: string,
): Promise<CheckedSubmission> {
  const { job: text, uploads: given = {}, weights, fitToData = false, ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${unknown} is not known of jobs that are sent`, unknown);
  if (typeof text !== 'string') throw invalid('job should be the text of a job file', 'job');
  if (typeof fitToData !== 'boolean') throw invalid('fitToData is true or false', 'fitToData');
  if (weights !== undefined && weights !== 'none') throw invalid('weights is none, or an upload', 'weights');
  if (!isObject(given) || Object.keys(given).some((key) => !(uploadedKeys as readonly string[]).includes(key)))
    throw invalid(`uploads are for ${uploadedKeys.join(', ')}`, 'uploads');

  const roots = new Map<string, string>();
  const keep = async <T>(path: UploadedPath, work: (file: string) => Promise<T>): Promise<T> =>
    uploads.keep(path, (file) => {
      roots.set(file.slice(0, -path.path.length - 1), path.upload);
      return work(file);
    });
  const upload = async (key: UploadedKey): Promise<string | null> =>
    given[key] === undefined ? null : keep(uploadedPath(given[key], `uploads.${key}`), async (path) => path);
  const [checkpoint, file] = [await upload('checkpoint'), await upload('weights')];
  if (checkpoint !== null && weights !== undefined) throw invalid('weights of two kinds at once', 'weights');

  const job = { ...(await checkedJob(text)) };
  const { training_parameters: parameters } = job;
  if (checkpoint !== null) {
    const where = { checkpoint_dataset_id: dirname(checkpoint), checkpoint_filename: basename(checkpoint) };
    job.training_parameters = { ...parameters, ...where };
  } else if (parameters.checkpoint_dataset_id !== undefined) {
    throw new Refusal('forbidden', 'PathNotAllowed', 'checkpoint_dataset_id: the file should be part of an upload');
  }
  for (const key of ['training_data', 'validation_data'] as const) {
    const input = job[key];
    if (input === undefined) continue;
    if (given[key] !== undefined) {
      const path = uploadedPath(given[key], `uploads.${key}`);
      const data = await keep(path, (file) => anonymousData(parts, { path, file, who }));
      job[key] = { ...input, path: referenceTo(data) };
    } else if (!parseAssetReference(input.path)) {
      await locate(parts.place, parts.store, input.path, { baseFolder: null, anywhere: false });
    }
  }
  const setting = file !== null ? { weights: file } : weights === 'none' ? { weights } : {};
  const inJson = (path: string) => JSON.stringify(path).slice(1, -1);
  const reword = (line: string) =>
    Array.from(roots).reduce(
      (text, [root, id]) =>
        text.replaceAll(`${inJson(root)}/`, `upload:${id}/`).replaceAll(`${inJson(shortPath(root))}/`, `upload.${id}/`),
      line,
    );
  return { job, reword, baseFolder: parts.place.folder, fitToData, ...setting };
}

async function checkedJob(text: string): Promise<ImageJob> {
  const [{ parseJob, unsupportedReasons }, { IssuesError }] = await Promise.all([
    import('@fovea/automl'),
    import('@fovea/data'),
  ]);
  const file = 'the job as the server reads it';
  const { job, issues, source } = parseJob(text, { file });
  const all = job === null ? issues : issues.concat(unsupportedReasons(job, source));
  if (job === null || all.some(({ severity }) => severity === 'error'))
    throw new IssuesError(all, { sources: new Map([[file, text]]) });
  return job;
}
