import { readFile } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { ImageJob } from '@fovea/automl';
import { generateJobName } from '@fovea/automl/runs';
import type { Issue } from '@fovea/data';
import type { JobRecord } from '../records.ts';
import type { Submission, UploadedKey, UploadedPath } from '../wire/protocol.ts';
import type { SubmitOptions } from '../workspace.ts';
import type { Connection } from './connection.ts';
import { filesOfJob, type JobFiles } from './job-files.ts';
import { lastingRecord } from './lasting.ts';
import { sendFiles } from './send-files.ts';
import { readToSend } from './sent-files.ts';
import { type FindJob, startedAnyway } from './started-anyway.ts';
import { ServerUnreachable } from './unreachable.ts';

const attempts = 3;

/**
 * Starts a job on a server: what it names of this machine is sent before, as far as the server does not have it.
 * @throws as `Workspace.submit`; ServerUnreachable when the server stays away
 */
export async function submitJob(
  connection: Connection,
  job: ImageJob,
  options: SubmitOptions,
  find: FindJob,
): Promise<JobRecord> {
  const { onEvent = () => {}, signal, fitToData = false } = options;
  const name = job.name ?? generateJobName();
  if (job.name !== undefined && (await find(name)) !== null) {
    const advice = `choose another name, or go on with it: fovea job resume --name ${name}`;
    throw new Error(`There is a job called ${name} already; ${advice}`);
  }
  onEvent({ type: 'phase', name: 'data', message: 'reading the data' });
  const { shortPath } = await import('@fovea/data');
  const files = await filesOfJob(job, options);
  const uploads: Partial<Record<UploadedKey, UploadedPath>> = {};
  const places = new Map<string, string>();
  for (const [key, file] of Object.entries(files) as [UploadedKey, NonNullable<JobFiles[UploadedKey]>][]) {
    const onFile = (done: number, total: number) =>
      onEvent({ type: 'phase', name: 'data', message: 'reading every file', done, total });
    const sent = await readToSend(file, { onFile, signal });
    // Amounts of this phase are shown as bytes.
    const onBytes = (done: number, total: number) =>
      onEvent({ type: 'phase', name: 'weights', message: `sending ${file.given}`, done, total });
    const upload = await sendFiles(connection, sent, { onBytes, signal });
    uploads[key] = { upload, path: file.path, given: file.given };
    places.set(upload, file.root);
  }
  const submission: Submission = {
    job: await textOf({ ...job, name }, files),
    ...{ uploads, fitToData, ...(options.weights === 'none' && { weights: 'none' }) },
  };
  const inJson = (path: string) => JSON.stringify(path.endsWith(sep) ? path : path + sep).slice(1, -1);
  // From the working directory, as it is told of files of this machine.
  const short = (root: string) => (relative(process.cwd(), root) === '' ? '' : inJson(shortPath(root)));
  const reword = (line: string) =>
    Array.from(places).reduce(
      (text, [id, root]) => text.replaceAll(`upload:${id}/`, inJson(root)).replaceAll(`upload.${id}/`, short(root)),
      line,
    );
  for (let attempt = 1; ; attempt++) {
    try {
      return await lastingRecord(connection, ['POST', '/jobs', { body: submission, signal }], { onEvent, reword });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ServerUnreachable) || !error.passing) throw await withLines(error);
      const begun = await startedAnyway(find, name, signal, error);
      if (begun !== null) return begun;
      if (attempt === attempts) throw error;
    }
  }
}

/** The job without what is sent apart. */
async function textOf(job: ImageJob, files: JobFiles): Promise<string> {
  const { toYaml } = await import('@fovea/automl');
  const { checkpoint_dataset_id: _, checkpoint_filename: __, ...parameters } = job.training_parameters;
  return toYaml(files.checkpoint === undefined ? job : { ...job, training_parameters: parameters });
}

/** What is wrong with data, with how many lines its files have on this machine. */
async function withLines(error: unknown): Promise<unknown> {
  const { IssuesError } = await import('@fovea/data');
  if (!(error instanceof IssuesError)) return error;
  const sources = new Map<string, { lines: number }>();
  for (const file of new Set(error.issues.filter(({ line }) => line !== undefined).map((issue: Issue) => issue.file))) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) sources.set(file, { lines: text.replace(/\n$/, '').split('\n').length });
  }
  return new IssuesError(error.issues, { sources });
}
