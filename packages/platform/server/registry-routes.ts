import { Hono } from 'hono';
import { invalid, Refusal } from '../refusal.ts';
import { checkName, checkVersion } from '../registry/asset-reference.ts';
import { type DataType, dataTypes } from '../registry/asset-spec.ts';
import { type ModelType, modelTypes } from '../registry/model-kind.ts';
import type { NewVersion } from '../registry/registry.ts';
import type { AssetKind } from '../store/index.ts';
import type { ServerParts } from './app.ts';
import { requireRole } from './authority.ts';
import { fileAnswer } from './file-answer.ts';
import type { HeavyWork } from './heavy-work.ts';
import { jsonBody, type RequestContext, type RequestEnv, textMap } from './requests.ts';
import { type Uploads, uploadedPath } from './uploads.ts';

const kinds: Readonly<Record<string, AssetKind>> = { models: 'model', data: 'data' };
const archivedWords = ['active', 'archived', 'all'] as const;

/** Models and data as `Registry` has them, for a `fovea` on another machine. */
export function registryRoutes({ registry }: ServerParts, uploads: Uploads, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const nameIn = (context: RequestContext, kind: AssetKind) => checkName(context.req.param('name') ?? '', kind);
  const versionIn = (context: RequestContext) => {
    const version = context.req.param('version') ?? '';
    return version.startsWith('@') ? `@${checkVersion(version.slice(1))}` : checkVersion(version);
  };

  for (const [many, kind] of Object.entries(kinds)) {
    app.get(`/${many}`, async (context) => {
      const { name, most, archived = 'active' } = context.req.query();
      const wanted = archivedWords.find((one) => one === archived);
      if (wanted === undefined) throw invalid(`archived should be one of ${archivedWords.join(', ')}`, 'archived');
      if (most !== undefined && !/^[1-9]\d{0,8}$/.test(most)) throw invalid('most should be a whole number', 'most');
      const filter = { archived: wanted, ...(name !== undefined && { name: checkName(name, kind) }) };
      const rows = await registry.list(kind, { ...filter, ...(most !== undefined && { most: Number(most) }) });
      return context.json({ value: rows });
    });

    app.post(`/${many}`, async (context) => {
      requireRole(context, 'contributor');
      const { upload, type, path, ...said } = await jsonBody(context);
      const asset = newVersion(said);
      return heavy.run(async () => {
        // Files of the server's machine are named on the server's machine; here they come, or are what anybody may name.
        const named = { baseFolder: null, anywhere: false };
        const uploaded = { baseFolder: null, anywhere: true };
        const from = upload === undefined ? null : uploadedPath(upload, 'upload');
        if (from === null && typeof path !== 'string') throw invalid('path should be text', 'path');
        if (kind === 'model') {
          const model = { ...asset, ...(type !== undefined && { type: oneOf(type, modelTypes) as ModelType }) };
          const row = from
            ? await uploads.during(from, (file) =>
                registry.createModel({ ...model, path: file, given: from.given }, uploaded),
              )
            : await registry.createModel({ ...model, path: path as string }, named);
          return context.json(row, 201);
        }
        const data = { ...asset, ...(type !== undefined && { type: oneOf(type, dataTypes) as DataType }) };
        const row = from
          ? await uploads.keep(from, (file) =>
              registry.createData({ ...data, path: file, given: from.given }, uploaded),
            )
          : await registry.createData({ ...data, path: path as string }, named);
        return context.json(row, 201);
      });
    });

    app.get(`/${many}/:name/versions/:version`, async (context) =>
      context.json(await registry.find(kind, nameIn(context, kind), versionIn(context))),
    );

    app.patch(`/${many}/:name/versions/:version`, async (context) => {
      requireRole(context, 'contributor');
      const { archived, ...said } = await jsonBody(context);
      const [name, version] = [nameIn(context, kind), versionIn(context)];
      const changes = descriptive(said);
      if (archived !== undefined) {
        if (typeof archived !== 'boolean') throw invalid('archived is true or false', 'archived');
        await registry.setArchived(kind, name, version, archived);
      }
      return context.json(await registry.update(kind, name, version, changes));
    });

    app.patch(`/${many}/:name`, async (context) => {
      requireRole(context, 'contributor');
      const { archived, ...others } = await jsonBody(context);
      if (typeof archived !== 'boolean' || Object.keys(others).length > 0)
        throw invalid('of all versions at once archived changes, to true or false', 'archived');
      await registry.setArchived(kind, nameIn(context, kind), null, archived);
      return context.body(null, 204);
    });

    app.delete(`/${many}/:name/versions/:version`, async (context) => {
      requireRole(context, 'contributor');
      const removed = await registry.delete(kind, nameIn(context, kind), versionIn(context));
      return context.json({ removed });
    });
  }

  app.get('/models/:name/versions/:version/files', async (context) => {
    const row = await registry.find('model', nameIn(context, 'model'), versionIn(context));
    return context.json({ value: await registry.modelFiles(row) });
  });

  app.get('/models/:name/versions/:version/file', async (context) => {
    const row = await registry.find('model', nameIn(context, 'model'), versionIn(context));
    // What is on the list is given, and no text of a request becomes a path.
    const wanted = context.req.query('path');
    const found = (await registry.modelFiles(row)).find(({ path }) => path === wanted);
    if (found === undefined) throw new Refusal('not-found', 'FileNotFound', `the model has no file ${wanted ?? ''}`);
    return fileAnswer(context, registry.modelFolder(row), found);
  });

  return app;
}

/** What a request says of a new version, beside its files. */
function newVersion({ name, version, ...said }: Record<string, unknown>): Omit<NewVersion, 'path'> {
  if (typeof name !== 'string') throw invalid('name should be text', 'name');
  if (version !== undefined && typeof version !== 'string') throw invalid('version should be text', 'version');
  return { name, ...(version !== undefined && { version }), ...descriptive(said) };
}

function descriptive(said: Record<string, unknown>): Pick<NewVersion, 'description' | 'tags' | 'properties'> {
  const { description, tags, properties, ...others } = said;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`there is no such value as ${unknown}`, unknown);
  if (description !== undefined && typeof description !== 'string')
    throw invalid('description should be text', 'description');
  return {
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: textMap(tags, 'tags') }),
    ...(properties !== undefined && { properties: textMap(properties, 'properties') }),
  };
}

const oneOf = (value: unknown, choices: readonly string[]): string => {
  const found = choices.find((one) => one === value);
  if (found !== undefined) return found;
  throw invalid(`type should be one of ${choices.join(', ')}`, 'type');
};
