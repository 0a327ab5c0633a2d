import { XAI_ALGORITHMS } from '@fovea/serving/instance';
import { Hono } from 'hono';
import type { Invocation } from '../endpoints/index.ts';
import { checkOnlineName } from '../endpoints/online/online-names.ts';
import { checkBatchDeployment, checkBatchEndpoint } from '../endpoints/spec/index.ts';
import { invalid } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import type { LocateOptions } from '../registry/locate.ts';
import type { ServerParts } from './app.ts';
import { requireRole } from './authority.ts';
import type { HeavyWork } from './heavy-work.ts';
import type { JobAnswers } from './job-answers.ts';
import { jsonBody, type RequestContext, type RequestEnv, textMap } from './requests.ts';
import { checked, mapIn, revisionIn } from './spec-body.ts';
import { type Uploads, uploadedPath } from './uploads.ts';

const all = '/batch-endpoints';
const one = `${all}/:endpoint`;
const deployments = `${one}/deployments`;

/** Batch endpoints as `BatchEndpoints` has them, for a `fovea` on another machine. */
export function batchRoutes(
  { batch }: ServerParts,
  { uploads, heavy, answers }: { uploads: Uploads; heavy: HeavyWork; answers: JobAnswers },
): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const endpointIn = (context: RequestContext) => checkOnlineName(context.req.param('endpoint') ?? '', 'endpoint');
  const namesIn = (context: RequestContext): [string, string] => [
    endpointIn(context),
    checkOnlineName(context.req.param('deployment') ?? '', 'deployment'),
  ];

  app.get(all, async (context) => context.json({ value: await batch.list() }));
  app.get(one, async (context) => context.json(await batch.find(endpointIn(context))));

  app.put(one, async (context) => {
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const { endpoint, revision } = await jsonBody(context);
    const spec = checked(checkBatchEndpoint, { ...mapIn(endpoint, 'endpoint'), name });
    return context.json(await batch.put(spec, revisionIn(revision)));
  });

  app.delete(one, async (context) => {
    requireRole(context, 'contributor');
    return context.json({ removed: await batch.delete(endpointIn(context)) });
  });

  app.get(deployments, async (context) => context.json({ value: await batch.listDeployments(endpointIn(context)) }));
  app.get(`${deployments}/:deployment`, async (context) =>
    context.json(await batch.findDeployment(...namesIn(context))),
  );

  app.put(`${deployments}/:deployment`, async (context) => {
    requireRole(context, 'contributor');
    const [endpoint_name, name] = namesIn(context);
    const { deployment, revision, create, setDefault } = await jsonBody(context);
    const spec = checked(checkBatchDeployment, { ...mapIn(deployment, 'deployment'), endpoint_name, name });
    const options = {
      ...revisionIn(revision),
      ...(create === true && { create }),
      ...(setDefault === true && { setDefault }),
    };
    // Files of other machines have been registered before they come here.
    const where = { baseFolder: null, anywhere: false };
    return context.json(await heavy.run(() => batch.deploy(spec, where, options)));
  });

  app.delete(`${deployments}/:deployment`, async (context) => {
    requireRole(context, 'contributor');
    return context.json({ removed: await batch.deleteDeployment(...namesIn(context)) });
  });

  app.get(`${one}/jobs`, async (context) => {
    const { deployment, most } = context.req.query();
    if (most !== undefined && !/^[1-9]\d{0,8}$/.test(most)) throw invalid('most should be a whole number', 'most');
    const filter = {
      ...(deployment !== undefined && { deployment: checkOnlineName(deployment, 'deployment') }),
      ...(most !== undefined && { most: Number(most) }),
    };
    return context.json({ value: (await batch.jobs(endpointIn(context), filter)).map(answers.withAddresses) });
  });

  app.post(`${one}/jobs`, async (context) => {
    requireRole(context, 'contributor');
    const { upload, pattern, ...asked } = await jsonBody(context);
    const invocation = invocationIn(endpointIn(context), asked);
    if (upload === undefined) {
      const where = { baseFolder: null, anywhere: false };
      return answers.lasting(context, () => heavy.run(() => batch.invoke(invocation, where)));
    }
    const path = uploadedPath(upload, 'upload');
    const below = patternIn(pattern);
    return answers.lasting(context, () =>
      heavy.run(() =>
        uploads.keep(path, (file) => {
          const within = file.slice(0, -path.path.length - 1);
          const where: LocateOptions = { baseFolder: null, anywhere: false, within };
          return batch.invoke(
            { ...invocation, input: below === null ? file : `${file}/${below}`, given: path.given },
            where,
          );
        }),
      ),
    );
  });

  return app;
}

/** A pattern that stays below where it begins. */
function patternIn(pattern: unknown): string | null {
  if (pattern === undefined) return null;
  const isBelow =
    typeof pattern === 'string' &&
    pattern.length <= 1000 &&
    !pattern.startsWith('/') &&
    !/(^|[/{,(|])\.\.([/},)|]|$)|\0/.test(pattern);
  if (isBelow) return pattern;
  throw invalid('pattern should be one of files below the upload', 'pattern');
}

function invocationIn(endpoint: string, asked: Record<string, unknown>): Invocation {
  const { deployment, input, output, jobName, miniBatchSize, instanceCount, explain, tags, ...others } = asked;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${unknown} is not known of invocations`, unknown);
  const text = (value: unknown, target: string): string | undefined => {
    if (value === undefined || (typeof value === 'string' && value !== '' && value.length <= 4096)) return value;
    throw invalid(`${target} should be text`, target);
  };
  const count = (value: unknown, target: string): number | undefined => {
    if (value === undefined || Number.isSafeInteger(value)) return value as number | undefined;
    throw invalid(`${target} should be a whole number`, target);
  };
  const algorithm = XAI_ALGORITHMS.find((name) => name === explain);
  if (explain !== undefined && algorithm === undefined)
    throw invalid(`explain should be one of ${XAI_ALGORITHMS.join(', ')}`, 'explain');
  const [deploymentName, name] = [text(deployment, 'deployment'), text(jobName, 'jobName')];
  return {
    ...{ endpoint, input: text(input, 'input') ?? '', output: text(output, 'output'), explain: algorithm },
    deployment: deploymentName === undefined ? undefined : checkOnlineName(deploymentName, 'deployment'),
    jobName: name === undefined ? undefined : checkName(name, 'job'),
    miniBatchSize: count(miniBatchSize, 'miniBatchSize'),
    instanceCount: count(instanceCount, 'instanceCount'),
    tags: tags === undefined ? undefined : textMap(tags, 'tags'),
  };
}
