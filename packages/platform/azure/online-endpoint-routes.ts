import { Hono } from 'hono';
import type { OnlineEndpointRecord, OnlineEndpointSpec } from '../endpoints/index.ts';
import { checkKey, type KeyName } from '../endpoints/online/credentials.ts';
import { checkOnlineName } from '../endpoints/online/online-names.ts';
import { endpointSpec } from '../endpoints/online/online-records.ts';
import { onlineKinds } from '../endpoints/online/online-rows.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import { checkKeys, mergedTags, textIn } from './fields.ts';
import { endpointAnswer, endpointFromRest } from './online-endpoint-form.ts';
import { announce, soonDone } from './online-operations.ts';
import { hasPair, pageAnswer, pageInOrder, pageRequest, pairsIn, type RowOrder } from './paging.ts';
import { etagOf, requirePreconditions, Turns } from './preconditions.ts';
import { nameIn, scopeOf, workspacePath } from './scope.ts';

const collection = `${workspacePath}/onlineEndpoints`;

export const endpointIn = (context: RequestContext): string =>
  nameIn(context, 'endpoint', (text) => checkOnlineName(text, 'endpoint'));

/** What a condition is held to: how often an endpoint or deployment has changed, and not how it fares. */
export const versionOf = (record: { name: string; created_at: string; revision: number }): object => ({
  ...{ name: record.name, created: record.created_at, revision: record.revision },
});

/** Online endpoints: made, changed, given traffic, asked for their keys, removed. */
export function onlineEndpointRoutes({ store, online }: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const turns = new Turns();

  const known = (name: string): Promise<OnlineEndpointRecord | null> =>
    online.find(name).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === 'EndpointNotFound') return null;
      throw error;
    });

  /** A change, once requests are answered by it; where that takes longer, with a word where to ask whether they are. */
  const answerChange = async (context: RequestContext, written: OnlineEndpointRecord, status: 200 | 201) => {
    const applied = await soonDone(context, (signal) => online.applied(written.name, signal));
    const isDone = applied !== null && applied !== 'removed';
    if (!isDone) announce(context, 'azure-asyncoperation', 'apply-endpoint', written.name);
    return answer(context, isDone ? applied : written, status);
  };

  const answer = (context: RequestContext, record: OnlineEndpointRecord, status: 200 | 201 = 200) => {
    context.header('etag', etagOf(versionOf(record)));
    return context.json(endpointAnswer(scopeOf(context), record, context.req.url), status);
  };

  app.get(collection, async (context) => {
    const scope = scopeOf(context);
    const isWanted = filterIn(context);
    const { rows } = await store.resources.list(onlineKinds.endpoint);
    const sequences = new Map(rows.map(({ name, sequence }) => [name, sequence]));
    const records = (await online.list()).filter(isWanted);
    const order = orderIn(context, ({ name }) => sequences.get(name) ?? 0);
    const page = pageInOrder(records, pageRequest(context, 'count'), order);
    return context.json(pageAnswer(context, page, (record) => endpointAnswer(scope, record, context.req.url)));
  });

  app.get(`${collection}/:endpoint`, async (context) => {
    scopeOf(context);
    return answer(context, await online.find(endpointIn(context)));
  });

  app.put(`${collection}/:endpoint`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const body = await jsonBody(context);
    const spec = endpointFromRest(name, body);
    const keys = keysIn(body, spec);
    const [written, status] = await turns.take(name, async () => {
      const before = await known(name);
      requirePreconditions(context, before && versionOf(before));
      const stored = await online.put(spec);
      for (const which of ['primary', 'secondary'] as const) {
        const value = keys[which];
        if (value !== undefined) await online.regenerateKey(name, which, value);
      }
      return [stored, before ? 200 : 201] as const;
    });
    return answerChange(context, written, status);
  });

  app.patch(`${collection}/:endpoint`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const body = await jsonBody(context);
    checkKeys(body, ['tags', 'identity'], 'body');
    const written = await turns.take(name, async () => {
      requirePreconditions(context, versionOf(await online.find(name)));
      return changed(
        () => online.find(name),
        (record) => {
          const identity = isObject(body.identity)
            ? endpointFromRest(name, { identity: body.identity }).identity
            : record.identity;
          const spec: OnlineEndpointSpec = { ...endpointSpec(record), tags: mergedTags(record.tags, body), identity };
          return online.put(spec, { revision: record.revision });
        },
      );
    });
    return answerChange(context, written, 200);
  });

  app.delete(`${collection}/:endpoint`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const wasThere = await turns.take(name, async () => {
      const before = await known(name);
      requirePreconditions(context, before && versionOf(before));
      return online.delete(name);
    });
    if (!wasThere) return context.body(null, 204);
    if ((await soonDone(context, (signal) => online.applied(name, signal))) !== null) return context.body(null, 200);
    announce(context, 'location', 'remove-endpoint', name);
    return context.body(null, 202);
  });

  app.post(`${collection}/:endpoint/listKeys`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const credentials = await online.credentials(endpointIn(context));
    if ('primaryKey' in credentials) return context.json(credentials);
    const message = 'the endpoint has no keys but tokens (authMode AMLToken): POST …/token gives one';
    throw new Refusal('invalid', 'NoKeys', message, { target: 'properties.authMode' });
  });

  app.post(`${collection}/:endpoint/token`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const { auth_mode: mode } = await online.find(name);
    const credentials = mode === 'key' ? null : await online.credentials(name);
    if (credentials && 'accessToken' in credentials) return context.json(credentials);
    const message = 'the endpoint has keys (authMode Key): POST …/listKeys gives them';
    throw new Refusal('invalid', 'NoToken', message, { target: 'properties.authMode' });
  });

  app.post(`${collection}/:endpoint/regenerateKeys`, async (context) => {
    scopeOf(context);
    requireRole(context, 'contributor');
    const name = endpointIn(context);
    const body = await jsonBody(context);
    checkKeys(body, ['keyType', 'keyValue'], 'body');
    const type = textIn(body, 'keyType', 'body');
    const which = type?.toLowerCase();
    if (which !== 'primary' && which !== 'secondary') {
      throw invalid(
        `keyType should be Primary or Secondary, not ${JSON.stringify(type ?? null).slice(0, 100)}`,
        'keyType',
      );
    }
    await online.regenerateKey(name, which, textIn(body, 'keyValue', 'body'));
    if ((await soonDone(context, (signal) => online.applied(name, signal))) !== null) return context.body(null, 200);
    announce(context, 'location', 'apply-endpoint', name);
    return context.body(null, 202);
  });

  return app;
}

/** Changes what was read, and reads it again when another one was faster. */
export async function changed<Before, After>(
  read: () => Promise<Before>,
  change: (record: Before) => Promise<After>,
): Promise<After> {
  for (let tries = 1; ; tries++) {
    try {
      return await change(await read());
    } catch (error) {
      const isLate = error instanceof Refusal && error.code === 'ChangedMeanwhile';
      if (!isLate || tries === 20) throw error;
    }
  }
}

/** Keys that a caller has chosen. @throws Refusal for those that cannot be, or have no use */
function keysIn(
  { properties }: Record<string, unknown>,
  { auth_mode }: OnlineEndpointSpec,
): { readonly [Key in KeyName]?: string } {
  const given = isObject(properties) ? properties.keys : null;
  if (!isObject(given)) return {};
  const keys: { [Key in KeyName]?: string } = {};
  for (const which of ['primary', 'secondary'] as const) {
    const key = textIn(given, `${which}Key`, 'properties.keys');
    if (key !== undefined) keys[which] = checkKey(key);
  }
  if (auth_mode !== 'aad_token' || Object.keys(keys).length === 0) return keys;
  throw invalid('an endpoint of authMode AADToken takes tokens of the workspace and has no keys', 'properties.keys');
}

function filterIn(context: RequestContext): (record: OnlineEndpointRecord) => boolean {
  const { name, computeType } = context.req.query();
  if (computeType !== undefined && !['Managed', 'Kubernetes', 'AzureMLCompute'].includes(computeType)) {
    throw invalid('computeType should be Managed, Kubernetes or AzureMLCompute', 'computeType');
  }
  const [tags, properties] = [pairsIn(context, 'tags'), pairsIn(context, 'properties')];
  return (record) =>
    (name === undefined || record.name === name) &&
    (computeType === undefined || computeType === 'Managed') &&
    tags.every(hasPair(record.tags)) &&
    properties.every(hasPair(record.properties));
}

const orders = ['CreatedAtDesc', 'CreatedAtAsc', 'UpdatedAtDesc', 'UpdatedAtAsc'];

/** @param sequenceOf grows with each endpoint that is made */
function orderIn(
  context: RequestContext,
  sequenceOf: (record: OnlineEndpointRecord) => number,
): RowOrder<OnlineEndpointRecord> {
  const order = context.req.query('orderBy') ?? 'CreatedAtDesc';
  if (!orders.includes(order)) {
    throw invalid(`orderBy should be ${orders.join(', ')}, not ${JSON.stringify(order.slice(0, 100))}`, 'orderBy');
  }
  return {
    ascending: order.endsWith('Asc'),
    keyOf: order.startsWith('Created')
      ? (record) => [sequenceOf(record)]
      : (record) => [Date.parse(record.changed_at), sequenceOf(record)],
  };
}
