import { Hono } from 'hono';
import type { OnlineDeploymentRecord } from '../endpoints/index.ts';
import { checkOnlineName } from '../endpoints/online/online-names.ts';
import { deploymentSpec } from '../endpoints/online/online-records.ts';
import { onlineKinds } from '../endpoints/online/online-rows.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import type { HeavyWork } from '../server/heavy-work.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import { allows } from '../server/tokens.ts';
import { checkKeys, mergedTags, textIn } from './fields.ts';
import { deploymentAnswer, deploymentFromRest } from './online-deployment-form.ts';
import { changed, endpointIn, versionOf } from './online-endpoint-routes.ts';
import { announce, soonDone } from './online-operations.ts';
import { oldestFirstIn, pageAnswer, pageInOrder, pageRequest } from './paging.ts';
import { etagOf, requirePreconditions, Turns } from './preconditions.ts';
import { nameIn, resourceHead, scopeOf, workspacePath } from './scope.ts';

const collection = `${workspacePath}/onlineEndpoints/:endpoint/deployments`;
const mostInstances = 50;
const mostTail = 100_000;
const containers = { inferenceserver: 'inference-server', storageinitializer: 'storage-initializer' } as const;

const namesIn = (context: RequestContext): [endpoint: string, deployment: string] => [
  endpointIn(context),
  nameIn(context, 'deployment', (text) => checkOnlineName(text, 'deployment')),
];

/** Deployments of online endpoints: made, changed, scaled, listened to, removed. */
export function onlineDeploymentRoutes({ store, online }: ServerParts, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const turns = new Turns();

  const known = (endpoint: string, name: string): Promise<OnlineDeploymentRecord | null> =>
    online.findDeployment(endpoint, name).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === 'DeploymentNotFound') return null;
      throw error;
    });

  /** A change, once it is so; where that takes longer, with a word where to ask whether it is. */
  const answerChange = async (context: RequestContext, written: OnlineDeploymentRecord, status: 200 | 201) => {
    const { endpoint_name, name } = written;
    const settled = await soonDone(context, (signal) => online.settled(endpoint_name, name, signal));
    const isDone = settled !== null && settled !== 'removed';
    if (!isDone) announce(context, 'azure-asyncoperation', 'apply-deployment', endpoint_name, name);
    return answer(context, isDone ? settled : written, status);
  };

  const answer = (context: RequestContext, record: OnlineDeploymentRecord, status: 200 | 201 = 200) => {
    context.header('etag', etagOf(versionOf(record)));
    return context.json(deploymentAnswer(scopeOf(context), record), status);
  };

  /** Owners may name any file of the server's machine. */
  const where = (context: RequestContext) => ({
    baseFolder: null,
    anywhere: allows(context.get('principal').role, 'owner'),
  });

  app.get(collection, async (context) => {
    const scope = scopeOf(context);
    const endpoint = endpointIn(context);
    const ascending = oldestFirstIn(context);
    const { rows } = await store.resources.list(onlineKinds.deployment);
    const sequences = new Map(rows.map(({ name, sequence }) => [name, sequence]));
    const page = pageInOrder(await online.listDeployments(endpoint), pageRequest(context, '$top'), {
      ascending,
      keyOf: ({ name }) => [sequences.get(`${endpoint}/${name}`) ?? 0],
    });
    return context.json(pageAnswer(context, page, (record) => deploymentAnswer(scope, record)));
  });

  app.get(`${collection}/:deployment`, async (context) => {
    scopeOf(context);
    return answer(context, await online.findDeployment(...namesIn(context)));
  });

  app.put(`${collection}/:deployment`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const names = namesIn(context);
    const spec = deploymentFromRest(...names, await jsonBody(context));
    const [written, status] = await turns.take(names.join('/'), async () => {
      const before = await known(...names);
      requirePreconditions(context, before && versionOf(before));
      return [await heavy.run(() => online.deploy(spec, where(context))), before ? 200 : 201] as const;
    });
    return answerChange(context, written, status);
  });

  app.patch(`${collection}/:deployment`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const names = namesIn(context);
    const body = await jsonBody(context);
    checkKeys(body, ['tags', 'sku'], 'body');
    const count = capacityIn(body);
    const written = await turns.take(names.join('/'), async () => {
      requirePreconditions(context, versionOf(await online.findDeployment(...names)));
      return changed(
        () => online.findDeployment(...names),
        (record) => {
          const { revision, instance_count } = record;
          const changes = { tags: mergedTags(record.tags, body), instance_count: count ?? instance_count };
          return online.deploy({ ...deploymentSpec(record), ...changes }, where(context), { revision });
        },
      );
    });
    return answerChange(context, written, 200);
  });

  app.delete(`${collection}/:deployment`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const names = namesIn(context);
    const wasThere = await turns.take(names.join('/'), async () => {
      const before = await known(...names);
      requirePreconditions(context, before && versionOf(before));
      return online.deleteDeployment(...names);
    });
    if (!wasThere) return context.body(null, 204);
    if ((await soonDone(context, (signal) => online.settled(...names, signal))) !== null)
      return context.body(null, 200);
    announce(context, 'location', 'remove-deployment', ...names);
    return context.body(null, 202);
  });

  app.post(`${collection}/:deployment/getLogs`, async (context) => {
    scopeOf(context);
    const names = namesIn(context);
    const body = await jsonBody(context);
    checkKeys(body, ['containerType', 'tail'], 'body');
    const type = textIn(body, 'containerType', 'body') ?? 'InferenceServer';
    const container = Object.hasOwn(containers, type.toLowerCase())
      ? containers[type.toLowerCase() as keyof typeof containers]
      : undefined;
    if (container === undefined) {
      throw invalid('containerType should be InferenceServer or StorageInitializer', 'containerType');
    }
    const tail = wholeNumberIn(body, 'tail', mostTail);
    const content = await online.logs(...names, { container, ...(tail !== null && { lines: tail }) });
    return context.json({ content });
  });

  app.get(`${collection}/:deployment/skus`, async (context) => {
    scopeOf(context);
    pageRequest(context, 'count');
    await online.findDeployment(...namesIn(context));
    const { type } = resourceHead(scopeOf(context), 'onlineEndpoints/x/deployments/x');
    const capacity = { default: 1, minimum: 1, maximum: mostInstances, scaleType: 'Manual' };
    return context.json({ value: [{ resourceType: type, sku: { name: 'Default', tier: 'Standard' }, capacity }] });
  });

  return app;
}

/** How many instances a PATCH asks for; null: as many as there are. */
function capacityIn({ sku }: Record<string, unknown>): number | null {
  if (sku === undefined || sku === null) return null;
  if (!isObject(sku)) throw invalid('sku should be a map with capacity', 'sku');
  checkKeys(sku, ['name', 'capacity', 'tier', 'size', 'family'], 'sku');
  return wholeNumberIn(sku, 'capacity', mostInstances);
}

function wholeNumberIn(fields: Record<string, unknown>, key: string, most: number): number | null {
  const value = fields[key];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  const given = JSON.stringify(value).slice(0, 100);
  throw invalid(`${key} should be a whole number, 1 to ${most.toLocaleString('en')}, not ${given}`, key);
}
