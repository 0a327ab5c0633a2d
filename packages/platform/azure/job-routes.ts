import { isDeepStrictEqual } from 'node:util';
import type { ImageJob } from '@fovea/automl';
import { Hono } from 'hono';
import { batchJobType } from '../endpoints/batch/batch-job.ts';
import { hasEnded } from '../records.ts';
import { invalid, Refusal } from '../refusal.ts';
import { checkName, parseAssetReference } from '../registry/asset-reference.ts';
import { locate } from '../registry/locate.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import type { HeavyWork } from '../server/heavy-work.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import { allows } from '../server/tokens.ts';
import { told } from '../server/told.ts';
import type { JobRow } from '../store/index.ts';
import { specOf } from '../stored-job.ts';
import { textMapIn } from './fields.ts';
import { jobAnswer, trialAnswer } from './job-answer.ts';
import { jobFromRest } from './job-translation.ts';
import { archivedIn, pageAnswer, pageFrom, pageRequest, pairsIn } from './paging.ts';
import { etagOf, requirePreconditions, Turns } from './preconditions.ts';
import { nameIn, scopeOf, workspaceId, workspacePath } from './scope.ts';

const jobTypes = ['AutoML', 'Command', 'Sweep', 'Pipeline'];
/** What Azure makes of an invocation of a batch endpoint is a pipeline. */
const storedTypes: Readonly<Record<string, string>> = { AutoML: 'automl', Pipeline: batchJobType };

/** Names of jobs, and those of trials besides. */
const jobName = (context: RequestContext) => nameIn(context, 'job', (text) => checkName(text, 'job'));

/** `jobs` and what becomes of them: submitted, followed, ended, put away, removed. */
export function jobRoutes({ place, store, workspace, registry }: ServerParts, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const turns = new Turns();

  const jobNamed = async (name: string): Promise<JobRow> => {
    const row = await store.jobs.find(name);
    if (row) return row;
    if (await store.trials.find(name)) {
      const message = `${name} is a trial; what happens to it is decided for its job`;
      throw new Refusal('conflict', 'IsTrial', message, { target: 'id' });
    }
    throw notFound(name);
  };

  app.get(`${workspacePath}/jobs`, async (context) => {
    const scope = scopeOf(context);
    const type = context.req.query('jobType');
    if (type !== undefined && !jobTypes.includes(type)) {
      throw invalid(`jobType should be one of ${jobTypes.join(', ')}`, 'jobType');
    }
    const stored = type === undefined ? undefined : storedTypes[type];
    // Of the others there are none.
    if (type !== undefined && stored === undefined) return context.json({ value: [] });
    const [tag, ...more] = pairsIn(context, 'tag');
    if (more.length > 0) throw invalid('tag takes one tag', 'tag');
    const page = await pageFrom(() =>
      store.jobs.list({
        ...pageRequest(context, null),
        archived: archivedIn(context),
        ...(stored !== undefined && { type: stored }),
        ...(tag !== undefined && { tag }),
      }),
    );
    const found = await Promise.all(page.rows.map(({ name }) => store.jobs.find(name)));
    // One that was removed a moment ago is left out.
    const rows = found.filter((row) => row !== null);
    return context.json(pageAnswer(context, { rows, next: page.next }, (row) => jobAnswer(scope, place, row)));
  });

  app.get(`${workspacePath}/jobs/:job`, async (context) => {
    const scope = scopeOf(context);
    const name = jobName(context);
    const answer = await answerOf(name);
    if (answer === null) throw notFound(name);
    context.header('etag', etagOf(answer));
    return context.json(answer);

    async function answerOf(of: string): Promise<object | null> {
      const row = await store.jobs.find(of);
      if (row) return jobAnswer(scope, place, row);
      const trial = await store.trials.find(of);
      const parent = trial && (await store.jobs.find(trial.job));
      return parent ? trialAnswer(scope, parent, trial) : null;
    }
  });

  app.put(`${workspacePath}/jobs/:job`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const name = jobName(context);
    const { properties } = await jsonBody(context);
    return turns.take(name, async () => {
      const before = await store.jobs.find(name);
      requirePreconditions(context, before && jobAnswer(scope, place, before));
      if (before) await change(before, properties);
      else if (await store.trials.find(name)) await jobNamed(name);
      else await submit(context, name, properties);
      const answer = jobAnswer(scope, place, await jobNamed(name));
      context.header('etag', etagOf(answer));
      return context.json(answer, before ? 200 : 201);
    });
  });

  /** A job that is there takes other tags and properties, and may be put away; what it is does not change. */
  async function change(row: JobRow, properties: unknown): Promise<void> {
    const given = isObject(properties) ? properties : {};
    const { job, differing } = row.type === batchJobType ? scoringChange(given, row) : trainingChange(given, row);
    if (differing.length > 0) {
      const message = `there is a job ${row.name} already, with another ${differing.join(', ')}; of a job only tags, properties and isArchived change`;
      throw new Refusal('conflict', 'JobExists', message, { target: `properties.${differing[0]}` });
    }
    const tags = isObject(given.tags) ? { ...ownTags(row), ...job.tags } : undefined;
    const texts = isObject(given.properties) ? job.properties : undefined;
    if (tags || texts) {
      await told(workspace.update(row.name, { ...(tags && { tags }), ...(texts && { properties: texts }) }));
    }
    if (given.isArchived === true && !row.archived) {
      if (!hasEnded(row.status)) throw running(row, 'put away');
      await told(workspace.archive(row.name));
    }
    if (given.isArchived === false && row.archived) await told(workspace.restore(row.name));
  }

  async function submit(context: RequestContext, name: string, properties: unknown): Promise<void> {
    const { job } = jobFromRest(name, properties);
    const anywhere = allows(context.get('principal').role, 'owner');
    for (const [target, input] of [
      ['trainingData', job.training_data],
      ['validationData', job.validation_data],
    ] as const) {
      if (input === undefined) continue;
      try {
        if (parseAssetReference(input.path)) await registry.resolve('data', input.path);
        else await locate(place, store, input.path, { baseFolder: null, anywhere });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { reason, code, message } = error;
        // What is missing is what the request names, and not the job.
        const why = reason === 'not-found' ? 'invalid' : reason;
        throw new Refusal(why, code, message, { target: `properties.taskDetails.${target}.uri` });
      }
    }
    const { signal } = context.req.raw;
    await heavy.run(() => told(workspace.submit(job, { baseFolder: place.folder, signal })));
  }

  app.post(`${workspacePath}/jobs/:job/cancel`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const name = jobName(context);
    const row = await jobNamed(name);
    if (!hasEnded(row.status)) await told(workspace.cancel(name));
    const version = encodeURIComponent(context.req.query('api-version') ?? '');
    const path = `${workspaceId(scope)}/operationResults/cancel-${name}?api-version=${version}`;
    context.header('location', new URL(path, context.req.url).href);
    context.header('retry-after', '1');
    return context.body(null, 202);
  });

  app.get(`${workspacePath}/operationResults/:operation`, async (context) => {
    scopeOf(context);
    const [, job] = /^cancel-(.+)$/.exec(context.req.param('operation')) ?? [];
    if (job === undefined) throw new Refusal('not-found', 'OperationNotFound', 'there is no such operation');
    const row = await store.jobs.find(checkName(job, 'job'));
    if (row === null || hasEnded(row.status)) return context.body(null, 204);
    context.header('location', context.req.url);
    context.header('retry-after', '1');
    return context.body(null, 202);
  });

  app.delete(`${workspacePath}/jobs/:job`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const name = jobName(context);
    return turns.take(name, async () => {
      const row = await store.jobs.find(name);
      requirePreconditions(context, row && jobAnswer(scope, place, row));
      if (row === null) {
        if (await store.trials.find(name)) await jobNamed(name);
        return context.body(null, 204);
      }
      if (!hasEnded(row.status)) throw running(row, 'removed');
      await told(workspace.delete(name));
      return context.body(null, 200);
    });
  });

  return app;
}

/** What a request says of a job, and where that is not what the job is. */
interface AskedChange {
  readonly job: Pick<ImageJob, 'tags' | 'properties'>;
  readonly differing: readonly string[];
}

function trainingChange(given: Record<string, unknown>, row: JobRow): AskedChange {
  const { job } = jobFromRest(row.name, given);
  return { job, differing: differingKeys(given, job, specOf(row), row) };
}

function scoringChange(given: Record<string, unknown>, row: JobRow): AskedChange {
  const said = { jobType: 'Pipeline', displayName: row.display_name, experimentName: row.experiment_name };
  const differing = Object.entries(said).flatMap(([key, is]) => ((given[key] ?? is) === is ? [] : [key]));
  return { job: { tags: textMapIn(given, 'tags') ?? {}, properties: textMapIn(given, 'properties') ?? {} }, differing };
}

/** What a request says of a job that is there, and the job says otherwise. What it leaves out it does not ask to change. */
function differingKeys(given: Record<string, unknown>, job: ImageJob, was: ImageJob, row: JobRow): string[] {
  const said = (value: unknown) => value !== undefined && value !== null;
  const details = isObject(given.taskDetails) ? given.taskDetails : {};
  const answered: Record<string, [said: boolean, now: unknown, before: unknown]> = {
    displayName: [said(given.displayName), job.display_name, row.display_name],
    experimentName: [said(given.experimentName), job.experiment_name, row.experiment_name],
    description: [said(given.description), job.description, row.description ?? undefined],
    computeId: [said(given.computeId), job.compute, was.compute],
    resources: [said(given.resources), job.resources, was.resources],
    identity: [said(given.identity), job.identity, was.identity],
    environmentId: [said(given.environmentId), job.environment_id, was.environment_id],
    environmentVariables: [said(given.environmentVariables), job.environment_variables, was.environment_variables],
    'taskDetails.taskType': [true, job.task, was.task],
    'taskDetails.targetColumnName': [true, job.target_column_name, was.target_column_name],
    'taskDetails.trainingData': [true, job.training_data, was.training_data],
    'taskDetails.validationData': [said(details.validationData), job.validation_data, was.validation_data],
    'taskDetails.validationDataSize': [
      said(details.validationDataSize) && !said(details.validationData),
      ...([job.validation_data_size, was.validation_data_size] as const),
    ],
    'taskDetails.logVerbosity': [said(details.logVerbosity), job.log_verbosity, was.log_verbosity],
    'taskDetails.primaryMetric': [said(details.primaryMetric), job.primary_metric, was.primary_metric],
    'taskDetails.limitSettings': [said(details.limitSettings), job.limits, was.limits],
    'taskDetails.sweepSettings': [said(details.sweepSettings), job.sweep, was.sweep],
    'taskDetails.modelSettings': [said(details.modelSettings), job.training_parameters, was.training_parameters],
    'taskDetails.searchSpace': [said(details.searchSpace), job.search_space, was.search_space],
  };
  // As both are kept: without what is undefined.
  const plain = (value: unknown) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
  return Object.entries(answered)
    .filter(([, [isSaid, now, before]]) => isSaid && !isDeepStrictEqual(plain(now), plain(before)))
    .map(([key]) => key);
}

/** What the job itself has noted in its tags, and a caller who replaces his own does not mean. */
const ownTags = ({ tags }: JobRow) =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => key === 'automl_best_child_run_id'));

const notFound = (name: string) => new Refusal('not-found', 'JobNotFound', `there is no job ${name}`, { target: 'id' });

const running = ({ name, status }: JobRow, what: string) =>
  new Refusal('conflict', 'JobNotEnded', `${name} is ${status}; a job can be ${what} when it has ended`);
