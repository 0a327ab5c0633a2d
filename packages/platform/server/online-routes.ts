import { Hono } from 'hono';
import type { OnlineDeploymentRecord, OnlineEndpointRecord } from '../endpoints/index.ts';
import { checkOnlineName } from '../endpoints/online/online-names.ts';
import { checkOnlineDeployment, checkOnlineEndpoint } from '../endpoints/spec/index.ts';
import { invalid } from '../refusal.ts';
import type { Waited } from '../wire/protocol.ts';
import type { ServerParts } from './app.ts';
import { requireRole } from './authority.ts';
import type { HeavyWork } from './heavy-work.ts';
import { reachableUri } from './reachable-uri.ts';
import { jsonBody, type RequestContext, type RequestEnv } from './requests.ts';
import { checked, mapIn, revisionIn } from './spec-body.ts';
import { allows } from './tokens.ts';

/** So long an answer is held back, in milliseconds, while there is nothing to say. */
const heldMilliseconds = 5000;
const containers = ['inference-server', 'storage-initializer'] as const;
const all = '/online-endpoints';
const one = `${all}/:endpoint`;
const deployments = `${one}/deployments`;

/** Online endpoints as `OnlineEndpoints` has them, for a `fovea` on another machine. */
export function onlineRoutes({ online }: ServerParts, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const endpointIn = (context: RequestContext) => checkOnlineName(context.req.param('endpoint') ?? '', 'endpoint');
  const namesIn = (context: RequestContext): [string, string] => [
    endpointIn(context),
    checkOnlineName(context.req.param('deployment') ?? '', 'deployment'),
  ];

  /** An endpoint with addresses that mean something to who asks. */
  const reachable = ({ req }: RequestContext, record: OnlineEndpointRecord): OnlineEndpointRecord => ({
    ...record,
    scoring_uri: reachableUri(record.scoring_uri, req.url),
    openapi_uri: reachableUri(record.openapi_uri, req.url),
  });

  const waited = async <Record>(
    { req }: RequestContext,
    wait: (signal: AbortSignal) => Promise<Record | null>,
  ): Promise<Waited<Record>> => {
    const signal = AbortSignal.any([req.raw.signal, AbortSignal.timeout(heldMilliseconds)]);
    try {
      return { settled: true, record: await wait(signal) };
    } catch (error) {
      if (signal.aborted) return { settled: false };
      throw error;
    }
  };

  app.get(all, async (context) =>
    context.json({ value: (await online.list()).map((record) => reachable(context, record)) }),
  );
  app.get(one, async (context) => context.json(reachable(context, await online.find(endpointIn(context)))));

  app.put(one, async (context) => {
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const { endpoint, revision } = await jsonBody(context);
    const spec = checked(checkOnlineEndpoint, { ...mapIn(endpoint, 'endpoint'), name });
    return context.json(reachable(context, await online.put(spec, revisionIn(revision))));
  });

  app.delete(one, async (context) => {
    requireRole(context, 'contributor');
    return context.json({ removed: await online.delete(endpointIn(context)) });
  });

  app.get(`${one}/applied`, async (context) => {
    const answer = await waited(context, (signal) => online.applied(endpointIn(context), signal));
    if (!answer.settled || answer.record === null) return context.json(answer);
    return context.json({ ...answer, record: reachable(context, answer.record) });
  });

  app.post(`${one}/credentials`, async (context) => {
    requireRole(context, 'contributor');
    return context.json(await online.credentials(endpointIn(context)));
  });

  app.post(`${one}/keys`, async (context) => {
    requireRole(context, 'contributor');
    const { which, value } = await jsonBody(context);
    if (which !== 'primary' && which !== 'secondary') throw invalid('which should be primary or secondary', 'which');
    if (value !== undefined && typeof value !== 'string') throw invalid('value should be text', 'value');
    await online.regenerateKey(endpointIn(context), which, value);
    return context.json({});
  });

  app.get(deployments, async (context) => context.json({ value: await online.listDeployments(endpointIn(context)) }));
  app.get(`${deployments}/:deployment`, async (context) =>
    context.json(await online.findDeployment(...namesIn(context))),
  );

  app.put(`${deployments}/:deployment`, async (context) => {
    requireRole(context, 'contributor');
    const [endpoint_name, name] = namesIn(context);
    const { deployment, revision, create } = await jsonBody(context);
    const spec = checked(checkOnlineDeployment, { ...mapIn(deployment, 'deployment'), endpoint_name, name });
    // Files of other machines have been registered before they come here.
    const where = { baseFolder: null, anywhere: allows(context.get('principal').role, 'owner') };
    const options = { ...revisionIn(revision), ...(create === true && { create }) };
    const record: OnlineDeploymentRecord = await heavy.run(() => online.deploy(spec, where, options));
    return context.json(record);
  });

  app.delete(`${deployments}/:deployment`, async (context) => {
    requireRole(context, 'contributor');
    return context.json({ removed: await online.deleteDeployment(...namesIn(context)) });
  });

  app.get(`${deployments}/:deployment/settled`, async (context) =>
    context.json(await waited(context, (signal) => online.settled(...namesIn(context), signal))),
  );

  app.get(`${deployments}/:deployment/logs`, async (context) => {
    const { lines, container = containers[0] } = context.req.query();
    const known = containers.find((name) => name === container);
    if (known === undefined) throw invalid(`container should be one of ${containers.join(', ')}`, 'container');
    if (lines !== undefined && !/^[1-9]\d{0,8}$/.test(lines)) throw invalid('lines should be a whole number', 'lines');
    const options = { container: known, ...(lines !== undefined && { lines: Number(lines) }) };
    return context.json({ content: await online.logs(...namesIn(context), options) });
  });

  return app;
}
