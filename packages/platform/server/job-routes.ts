import { jobFolder, type RunEvent } from '@fovea/automl/runs';
import { shortPath } from '@fovea/data';
import { Hono } from 'hono';
import { batchJobType, batchPaths } from '../endpoints/batch/batch-job.ts';
import { trialFolderOf } from '../place.ts';
import { invalid, Refusal } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import type { Line } from '../wire/protocol.ts';
import type { WatchOptions } from '../workspace.ts';
import type { ServerParts } from './app.ts';
import { requireRole } from './authority.ts';
import { fileAnswer } from './file-answer.ts';
import type { HeavyWork } from './heavy-work.ts';
import type { JobAnswers } from './job-answers.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv, textMap } from './requests.ts';
import { submission } from './submission.ts';
import { told } from './told.ts';
import type { Uploads } from './uploads.ts';

const archivedWords = ['active', 'archived', 'all'] as const;

/** Jobs and trials as `Workspace` has them, for a `fovea` on another machine. */
export function jobRoutes(
  parts: ServerParts,
  { uploads, heavy, answers }: { uploads: Uploads; heavy: HeavyWork; answers: JobAnswers },
): Hono<RequestEnv> {
  const { place, store, workspace } = parts;
  const { withAddresses, lasting } = answers;
  const app = new Hono<RequestEnv>();
  const jobIn = (context: RequestContext) => checkName(context.req.param('job') ?? '', 'job');

  const requireJob = async (name: string): Promise<string> => {
    if ((await store.jobs.find(name)) === null) throw notFound('job', name);
    return name;
  };
  /** A trial that there is, or a job that scores pictures, by a name that cannot lead anywhere else. */
  const trialIn = async (context: RequestContext): Promise<string> => {
    const name = checkName(context.req.param('trial') ?? '', 'trial');
    if ((await store.trials.find(name)) || (await isBatch(name))) return name;
    throw notFound('trial', name);
  };
  const isBatch = async (name: string) => (await store.jobs.find(name))?.type === batchJobType;

  app.get('/jobs', async (context) => {
    const { archived = 'active', most } = context.req.query();
    const wanted = archivedWords.find((one) => one === archived);
    if (wanted === undefined) throw invalid(`archived should be one of ${archivedWords.join(', ')}`, 'archived');
    if (most !== undefined && !/^[1-9]\d{0,8}$/.test(most)) throw invalid('most should be a whole number', 'most');
    const jobs = await workspace.jobs({ archived: wanted, ...(most !== undefined && { most: Number(most) }) });
    return context.json({ value: jobs.map(withAddresses) });
  });

  app.post('/jobs', async (context) => {
    requireRole(context, 'contributor');
    const body = await jsonBody(context);
    const { name: who } = context.get('principal');
    const { job, reword, ...setting } = await submission(parts, uploads, body, who);
    const work = (tell: (line: Line) => void, signal: AbortSignal) => {
      const own = shortPath(jobFolder(place.folder, job.name ?? ''));
      const onEvent = (event: RunEvent) => {
        // Files of the workspace are none that whoever asks can name.
        if (!('message' in event) || !event.message.includes(own)) tell({ event });
      };
      return heavy.run(() => told(workspace.submit(job, { ...setting, onEvent, signal })));
    };
    return lasting(context, work, reword);
  });

  app.get('/jobs/:job', async (context) => {
    const name = jobIn(context);
    const record = await workspace.job(name);
    if (record === null) throw notFound('job', name);
    return context.json(withAddresses(record));
  });

  app.patch('/jobs/:job', async (context) => {
    requireRole(context, 'contributor');
    const name = await requireJob(jobIn(context));
    const { tags, properties, archived, ...others } = await jsonBody(context);
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw invalid(`of a job tags, properties and archived change, not ${unknown}`, unknown);
    if (archived !== undefined && typeof archived !== 'boolean') throw invalid('archived is true or false', 'archived');
    const texts = {
      ...(tags !== undefined && { tags: textMap(tags, 'tags') }),
      ...(properties !== undefined && { properties: textMap(properties, 'properties') }),
    };
    if (archived !== undefined) await told(archived ? workspace.archive(name) : workspace.restore(name));
    return context.json(withAddresses(await told(workspace.update(name, texts))));
  });

  app.delete('/jobs/:job', async (context) => {
    requireRole(context, 'contributor');
    await told(workspace.delete(await requireJob(jobIn(context))));
    return context.body(null, 204);
  });

  app.post('/jobs/:job/cancel', async (context) => {
    requireRole(context, 'contributor');
    return context.json(withAddresses(await told(workspace.cancel(await requireJob(jobIn(context))))));
  });

  app.post('/jobs/:job/resume', async (context) => {
    requireRole(context, 'contributor');
    const name = await requireJob(jobIn(context));
    return lasting(context, (tell, signal) => {
      const onEvent = (event: RunEvent) => tell({ event });
      return heavy.run(() => told(workspace.resume(name, { onEvent, signal })));
    });
  });

  app.get('/jobs/:job/trials', async (context) => {
    return context.json({ value: await workspace.trials(await requireJob(jobIn(context))) });
  });

  app.get('/jobs/:job/events', async (context) => {
    const name = await requireJob(jobIn(context));
    const after = knownEvents(context.req.query('after') ?? '{}');
    return lasting(context, (tell, signal) => {
      const onEvent: WatchOptions['onEvent'] = (event, trial, number) => tell({ event, trial, number });
      return workspace.watch(name, { onEvent, after, signal });
    });
  });

  app.get('/trials/:trial', async (context) => context.json(await workspace.trial(await trialIn(context))));

  app.get('/trials/:trial/metrics', async (context) => {
    const name = context.req.query('name');
    const filter = name === undefined ? {} : { name };
    return context.json({ value: await workspace.metrics(await trialIn(context), filter) });
  });

  app.get('/trials/:trial/log', async (context) => {
    const from = context.req.query('from') ?? '0';
    if (!/^\d{1,15}$/.test(from)) throw invalid('from should be a whole number of bytes', 'from');
    const bytes = await workspace.log(await trialIn(context), Number(from));
    return context.body(new Uint8Array(bytes), 200, { 'content-type': 'text/plain; charset=utf-8' });
  });

  app.get('/trials/:trial/artefacts', async (context) => {
    return context.json({ value: await workspace.artefacts(await trialIn(context)) });
  });

  app.get('/trials/:trial/artefacts/file', async (context) => {
    const trial = await trialIn(context);
    // What is on the list is given, and no text of a request becomes a path.
    const wanted = context.req.query('path');
    const found = (await workspace.artefacts(trial)).find(({ path }) => path === wanted);
    if (found === undefined) throw notFound('file', `${wanted ?? ''} of ${trial}`);
    const folder = (await isBatch(trial)) ? batchPaths(place, trial).results : trialFolderOf(place, trial);
    return fileAnswer(context, folder, found);
  });

  return app;
}

const notFound = (what: string, name: string) =>
  new Refusal('not-found', `${what.charAt(0).toUpperCase()}${what.slice(1)}NotFound`, `there is no ${what} ${name}`);

/** How many events of each trial whoever watches knows. */
function knownEvents(text: string): Record<string, number> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) >= 0;
  if (isObject(value) && Object.values(value).every(isCount)) return value as Record<string, number>;
  throw invalid('after should be a map of numbers', 'after');
}
