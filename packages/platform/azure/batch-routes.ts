import { Hono } from 'hono';
import { batchKinds } from '../endpoints/batch/create-batch-endpoints.ts';
import type {
  BatchDeploymentRecord,
  BatchDeploymentSpec,
  BatchEndpointRecord,
  BatchEndpointSpec,
} from '../endpoints/index.ts';
import { checkOnlineName } from '../endpoints/online/online-names.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import type { HeavyWork } from '../server/heavy-work.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import { allows } from '../server/tokens.ts';
import { batchDeploymentAnswer, batchDeploymentFromRest } from './batch-deployment-form.ts';
import { batchEndpointAnswer, batchEndpointFromRest } from './batch-endpoint-form.ts';
import { checkKeys, mergedTags, textIn } from './fields.ts';
import { changed, endpointIn, versionOf } from './online-endpoint-routes.ts';
import { oldestFirstIn, pageAnswer, pageInOrder, pageRequest } from './paging.ts';
import { etagOf, requirePreconditions, Turns } from './preconditions.ts';
import { nameIn, scopeOf, workspacePath } from './scope.ts';

const endpoints = `${workspacePath}/batchEndpoints`;
const deployments = `${endpoints}/:endpoint/deployments`;

const namesIn = (context: RequestContext): [endpoint: string, deployment: string] => [
  endpointIn(context),
  nameIn(context, 'deployment', (text) => checkOnlineName(text, 'deployment')),
];

const originOf = (context: RequestContext): string => new URL(context.req.url).origin;

/** Batch endpoints and their deployments. What is stored is there: nothing runs until an endpoint is invoked. */
export function batchRoutes({ store, batch }: ServerParts, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const turns = new Turns();

  const known = (name: string): Promise<BatchEndpointRecord | null> =>
    batch.find(name).catch(without('EndpointNotFound'));
  const knownDeployment = (...names: [string, string]): Promise<BatchDeploymentRecord | null> =>
    batch.findDeployment(...names).catch(without('DeploymentNotFound'));

  const answer = (context: RequestContext, record: BatchEndpointRecord, status: 200 | 201 = 200) => {
    context.header('etag', etagOf(versionOf(record)));
    return context.json(batchEndpointAnswer(scopeOf(context), record, originOf(context)), status);
  };
  const deploymentAnswer = (context: RequestContext, record: BatchDeploymentRecord, status: 200 | 201 = 200) => {
    context.header('etag', etagOf(versionOf(record)));
    return context.json(batchDeploymentAnswer(scopeOf(context), record), status);
  };
  /** Owners may name any file of the server's machine. */
  const where = (context: RequestContext) => ({
    baseFolder: null,
    anywhere: allows(context.get('principal').role, 'owner'),
  });
  const sequencesOf = async (kind: string): Promise<ReadonlyMap<string, number>> =>
    new Map((await store.resources.list(kind)).rows.map(({ name, sequence }) => [name, sequence]));

  app.get(endpoints, async (context) => {
    const scope = scopeOf(context);
    const sequences = await sequencesOf(batchKinds.endpoint);
    const page = pageInOrder(await batch.list(), pageRequest(context, 'count'), {
      ascending: false,
      keyOf: ({ name }) => [sequences.get(name) ?? 0],
    });
    return context.json(pageAnswer(context, page, (record) => batchEndpointAnswer(scope, record, originOf(context))));
  });

  app.get(`${endpoints}/:endpoint`, async (context) => {
    scopeOf(context);
    return answer(context, await batch.find(endpointIn(context)));
  });

  app.put(`${endpoints}/:endpoint`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const spec = batchEndpointFromRest(name, await jsonBody(context));
    return turns.take(name, async () => {
      const before = await known(name);
      requirePreconditions(context, before && versionOf(before));
      return answer(context, await batch.put(spec), before ? 200 : 201);
    });
  });

  app.patch(`${endpoints}/:endpoint`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const body = await jsonBody(context);
    checkKeys(body, ['tags'], 'body');
    return turns.take(name, async () => {
      requirePreconditions(context, versionOf(await batch.find(name)));
      const written = await changed(
        () => batch.find(name),
        (record) => {
          const { revision } = record;
          return batch.put({ ...endpointSpecOf(record), tags: mergedTags(record.tags, body) }, { revision });
        },
      );
      return answer(context, written);
    });
  });

  app.delete(`${endpoints}/:endpoint`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    return turns.take(name, async () => {
      const before = await known(name);
      requirePreconditions(context, before && versionOf(before));
      return context.body(null, (await batch.delete(name)) ? 200 : 204);
    });
  });

  app.post(`${endpoints}/:endpoint/listKeys`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const { name } = await batch.find(endpointIn(context));
    const message = `${name} has no keys: batch endpoints take tokens of this workspace (authMode AADToken); fovea token create makes one`;
    throw new Refusal('invalid', 'NoKeys', message, { target: 'properties.authMode' });
  });

  app.get(deployments, async (context) => {
    const scope = scopeOf(context);
    const endpoint = endpointIn(context);
    const ascending = oldestFirstIn(context);
    const sequences = await sequencesOf(batchKinds.deployment);
    const page = pageInOrder(await batch.listDeployments(endpoint), pageRequest(context, '$top'), {
      ascending,
      keyOf: ({ name }) => [sequences.get(`${endpoint}/${name}`) ?? 0],
    });
    return context.json(pageAnswer(context, page, (record) => batchDeploymentAnswer(scope, record)));
  });

  app.get(`${deployments}/:deployment`, async (context) => {
    scopeOf(context);
    return deploymentAnswer(context, await batch.findDeployment(...namesIn(context)));
  });

  app.put(`${deployments}/:deployment`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const names = namesIn(context);
    const spec = batchDeploymentFromRest(...names, await jsonBody(context));
    return turns.take(names.join('/'), async () => {
      await batch.find(names[0]);
      const before = await knownDeployment(...names);
      requirePreconditions(context, before && versionOf(before));
      const written = await heavy.run(() => batch.deploy(spec, where(context)));
      return deploymentAnswer(context, written, before ? 200 : 201);
    });
  });

  app.patch(`${deployments}/:deployment`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const names = namesIn(context);
    const body = await jsonBody(context);
    checkKeys(body, ['tags', 'properties'], 'body');
    const { properties = null } = body;
    if (properties !== null && !isObject(properties))
      throw invalid('properties should be a map with description', 'properties');
    checkKeys(properties ?? {}, ['description'], 'properties');
    const said = properties === null ? undefined : textIn(properties, 'description');
    return turns.take(names.join('/'), async () => {
      requirePreconditions(context, versionOf(await batch.findDeployment(...names)));
      const written = await changed(
        () => batch.findDeployment(...names),
        (record) => {
          const { revision, description } = record;
          const changes = { tags: mergedTags(record.tags, body), description: said ?? description };
          return batch.deploy({ ...deploymentSpecOf(record), ...changes }, where(context), { revision });
        },
      );
      return deploymentAnswer(context, written);
    });
  });

  app.delete(`${deployments}/:deployment`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const names = namesIn(context);
    return turns.take(names.join('/'), async () => {
      const before = await knownDeployment(...names);
      requirePreconditions(context, before && versionOf(before));
      return context.body(null, (await batch.deleteDeployment(...names)) ? 200 : 204);
    });
  });

  return app;
}

/** Null for what is not there. */
const without =
  (...codes: string[]) =>
  (error: unknown): null => {
    if (error instanceof Refusal && codes.includes(error.code)) return null;
    throw error;
  };

function endpointSpecOf(record: BatchEndpointRecord): BatchEndpointSpec {
  const { provisioning_state: _, created_at: __, changed_at: ___, revision, ...spec } = record;
  return spec;
}

function deploymentSpecOf(record: BatchDeploymentRecord): BatchDeploymentSpec {
  const { provisioning_state: _, created_at: __, changed_at: ___, revision, ...spec } = record;
  return spec;
}
