import { Hono } from 'hono';
import { invalid, Refusal } from '../refusal.ts';
import { checkName, checkVersion } from '../registry/asset-reference.ts';
import { type ContainerSpec, containerKind, containerOf, ensureContainer, versionsOf } from '../registry/containers.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import type { HeavyWork } from '../server/heavy-work.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import type { AssetRow, ResourceRow, Store } from '../store/index.ts';
import type { AssetForm } from './asset-form.ts';
import { booleanIn, checkKeys, textIn, textMapIn } from './fields.ts';
import { archivedIn, hasPair, oldestFirstIn, pageAnswer, pageFrom, pageRequest, pairsIn } from './paging.ts';
import { etagOf, requirePreconditions, Turns } from './preconditions.ts';
import { nameIn, resourceHead, type Scope, scopeOf, workspacePath } from './scope.ts';

const common = ['description', 'properties', 'tags', 'isArchived'] as const;
const containerReadOnly = ['latestVersion', 'nextVersion', 'provisioningState'];

/** A collection of named assets with versions: what containers and versions have in common, whatever the kind. */
export function assetRoutes(parts: ServerParts, form: AssetForm, heavy: HeavyWork): Hono<RequestEnv> {
  const { store, registry } = parts;
  const { kind, collection } = form;
  const app = new Hono<RequestEnv>();
  const turns = new Turns();
  const containers = `${workspacePath}/${collection}`;
  const name = (context: RequestContext) => nameIn(context, 'name', (text) => checkName(text, kind));
  const version = (context: RequestContext) => nameIn(context, 'version', checkVersion);
  const missing = (what: string) =>
    new Refusal('not-found', 'ResourceNotFound', `there is no ${kind} ${what}`, { target: 'name' });

  const containerAnswer = async (scope: Scope, row: ResourceRow) => {
    const { description, tags, properties, dataType } = containerOf(row);
    const { latest, next } = await versionsOf(store, kind, row.name);
    return {
      ...resourceHead(scope, `${collection}/${row.name}`),
      systemData: { createdAt: row.created_at, createdByType: 'User', lastModifiedAt: row.changed_at },
      properties: {
        ...{ description, tags, properties, isArchived: row.archived },
        ...{ latestVersion: latest, nextVersion: next },
        ...(dataType !== undefined && { dataType }),
      },
    };
  };

  const versionAnswer = (scope: Scope, row: AssetRow) => ({
    ...resourceHead(scope, `${collection}/${row.name}/versions/${row.version}`),
    systemData: { createdAt: row.created_at, createdByType: 'User', lastModifiedAt: row.created_at },
    properties: {
      ...{ description: row.description, tags: row.tags, properties: row.properties },
      ...{ isAnonymous: false, isArchived: row.archived },
      ...form.answer(row),
    },
  });

  app.get(containers, async (context) => {
    const scope = scopeOf(context);
    const size = kind === 'model' ? 'count' : null;
    const request = { ...pageRequest(context, size), archived: archivedIn(context) };
    const page = await pageFrom(() => store.resources.list(containerKind(kind), request));
    const rows = await Promise.all(page.rows.map((row) => containerAnswer(scope, row)));
    return context.json(pageAnswer(context, { rows, next: page.next }, (row) => row));
  });

  app.get(`${containers}/:name`, async (context) => {
    const scope = scopeOf(context);
    const row = await store.resources.find(containerKind(kind), name(context));
    if (!row) throw missing(name(context));
    const answer = await containerAnswer(scope, row);
    context.header('etag', etagOf(answer));
    return context.json(answer);
  });

  app.put(`${containers}/:name`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const of = name(context);
    const given = propertiesIn(await jsonBody(context));
    const known = [...common, ...containerReadOnly, ...(kind === 'data' ? ['dataType'] : [])];
    checkKeys(given, known, 'properties');
    const changes = changesIn(given);
    const dataType = kind === 'data' ? form.containerType(given) : undefined;
    return turns.take(of, async () => {
      const before = await store.resources.find(containerKind(kind), of);
      requirePreconditions(context, before && (await containerAnswer(scope, before)));
      if (before && dataType !== undefined && containerOf(before).dataType !== dataType) {
        const message = `the data ${of} is of type ${containerOf(before).dataType}, which does not change`;
        throw new Refusal('conflict', 'TypeDiffers', message, { target: 'properties.dataType' });
      }
      await ensureContainer(store, kind, of, { ...(dataType !== undefined && { dataType }) });
      await changeContainer(store, kind, of, changes);
      if (changes.isArchived !== undefined) await store.assets.setArchived(kind, of, null, changes.isArchived);
      const after = (await store.resources.find(containerKind(kind), of)) as ResourceRow;
      const answer = await containerAnswer(scope, after);
      context.header('etag', etagOf(answer));
      return context.json(answer, before ? 200 : 201);
    });
  });

  app.delete(`${containers}/:name`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const of = name(context);
    return turns.take(of, async () => {
      const row = await store.resources.find(containerKind(kind), of);
      requirePreconditions(context, row && (await containerAnswer(scope, row)));
      if (!row) return context.body(null, 204);
      for (const one of await allVersions(store, kind, of)) await registry.delete(kind, of, one.version);
      await store.resources.delete(containerKind(kind), of);
      return context.body(null, 200);
    });
  });

  app.get(`${containers}/:name/versions`, async (context) => {
    const scope = scopeOf(context);
    const of = name(context);
    if (!(await store.resources.find(containerKind(kind), of))) throw missing(of);
    const { most, after } = pageRequest(context, '$top');
    const isWanted = filterIn(context);
    const archived = archivedIn(context);
    const offset = wholeNumberIn(context, 'offset');
    const oldestFirst = oldestFirstIn(context);
    const all = (await allVersions(store, kind, of, archived)).filter(isWanted);
    if (oldestFirst) all.reverse();
    const place = after === undefined ? null : Number(after);
    const left =
      place === null
        ? all.slice(offset)
        : all.filter(({ sequence }) => (oldestFirst ? sequence > place : sequence < place));
    const rows = left.slice(0, most);
    const next = left.length > most ? String(rows[rows.length - 1].sequence) : null;
    return context.json(pageAnswer(context, { rows, next }, (row) => versionAnswer(scope, row)));
  });

  app.get(`${containers}/:name/versions/:version`, async (context) => {
    const scope = scopeOf(context);
    const row = await store.assets.find(kind, name(context), version(context));
    if (!row) throw missing(`${name(context)}, version ${version(context)}`);
    const answer = versionAnswer(scope, row);
    context.header('etag', etagOf(answer));
    return context.json(answer);
  });

  app.put(`${containers}/:name/versions/:version`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const [of, which] = [name(context), version(context)];
    const given = propertiesIn(await jsonBody(context));
    // What was read may be sent back.
    checkKeys(given, [...common, 'isAnonymous', 'fovea', ...form.keys], 'properties');
    const { isArchived, ...changes } = changesIn(given);
    if (booleanIn(given, 'isAnonymous') === true) {
      throw invalid('anonymous versions are not supported; give it a name and a version', 'properties.isAnonymous');
    }
    return turns.take(of, async () => {
      const before = await store.assets.find(kind, of, which);
      requirePreconditions(context, before && versionAnswer(scope, before));
      if (before) {
        form.requireSame(before, given);
        if (Object.keys(changes).length > 0) await registry.update(kind, of, which, changes);
      } else {
        const principal = context.get('principal');
        await heavy.run(() => form.create({ parts, principal, name: of, version: which, given, ...changes }));
      }
      if (isArchived !== undefined) await store.assets.setArchived(kind, of, which, isArchived);
      const answer = versionAnswer(scope, await registry.find(kind, of, which));
      context.header('etag', etagOf(answer));
      return context.json(answer, before ? 200 : 201);
    });
  });

  app.delete(`${containers}/:name/versions/:version`, async (context) => {
    const scope = scopeOf(context);
    requireRole(context, 'contributor');
    const [of, which] = [name(context), version(context)];
    return turns.take(of, async () => {
      const row = await store.assets.find(kind, of, which);
      requirePreconditions(context, row && versionAnswer(scope, row));
      return context.body(null, (await registry.delete(kind, of, which)) ? 200 : 204);
    });
  });

  return app;
}

interface Changes {
  description?: string;
  tags?: Record<string, string>;
  properties?: Record<string, string>;
  isArchived?: boolean;
}

/** What may change of a container or a version, as far as it is said. */
function changesIn(given: Record<string, unknown>): Changes {
  const description = textIn(given, 'description');
  const tags = textMapIn(given, 'tags');
  const properties = textMapIn(given, 'properties');
  const isArchived = booleanIn(given, 'isArchived');
  return {
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags }),
    ...(properties !== undefined && { properties }),
    ...(isArchived !== undefined && { isArchived }),
  };
}

async function changeContainer(
  store: Store,
  kind: AssetForm['kind'],
  name: string,
  { isArchived, ...changes }: Changes,
): Promise<void> {
  for (;;) {
    const row = (await store.resources.find(containerKind(kind), name)) as ResourceRow;
    const spec: ContainerSpec = { ...containerOf(row), ...changes };
    const archived = isArchived ?? row.archived;
    const condition = { revision: row.revision };
    if (await store.resources.change(containerKind(kind), name, { spec, archived }, condition)) return;
  }
}

/** Newest first. */
async function allVersions(
  store: Store,
  kind: AssetForm['kind'],
  name: string,
  archived: 'active' | 'archived' | 'all' = 'all',
): Promise<AssetRow[]> {
  return (await store.assets.list({ kind, name, archived })).rows;
}

function propertiesIn({ properties }: Record<string, unknown>): Record<string, unknown> {
  if (isObject(properties)) return properties;
  throw invalid('the body has no properties', 'properties');
}

function filterIn(context: RequestContext): (row: AssetRow) => boolean {
  const { version, description, feed } = context.req.query();
  if (feed !== undefined) throw invalid('there are no feeds here', 'feed');
  const tags = [...pairsIn(context, 'tags'), ...pairsIn(context, '$tags')];
  const properties = pairsIn(context, 'properties');
  return (row) =>
    (version === undefined || row.version === version) &&
    (description === undefined || row.description === description) &&
    tags.every(hasPair(row.tags)) &&
    properties.every(hasPair(row.properties));
}

function wholeNumberIn(context: RequestContext, name: string): number {
  const text = context.req.query(name) ?? '0';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`${name} should be a whole number, not ${JSON.stringify(text.slice(0, 100))}`, name);
}
