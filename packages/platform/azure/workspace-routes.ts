import { Hono } from 'hono';
import { Refusal } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import { defaultDatastore } from '../registry/locate.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import { checkKeys, textIn, textMapIn } from './fields.ts';
import { pageRequest } from './paging.ts';
import { etagOf, requirePreconditions } from './preconditions.ts';
import { nameIn, resourceHead, type Scope, scopeOf, workspacePath } from './scope.ts';

const settingsKind = 'workspace';

interface WorkspaceSettings {
  tags: Record<string, string>;
  description: string | null;
  friendlyName: string | null;
}

const noSettings: WorkspaceSettings = { tags: {}, description: null, friendlyName: null };

/** The workspace itself, and where its data is. */
export function workspaceRoutes({ store }: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();

  const settings = async () => {
    const row = await store.resources.find(settingsKind, 'settings');
    return { row, values: (row?.spec ?? noSettings) as WorkspaceSettings };
  };

  const workspaceAnswer = async (scope: Scope) => {
    const { row, values } = await settings();
    const { tags, description, friendlyName } = values;
    const { id, type } = resourceHead(scope, 'x');
    return {
      ...{ id: id.replace(/\/x$/, ''), name: scope.workspace, type: type.replace(/\/x$/, ''), location: 'local', tags },
      ...(row && { systemData: { lastModifiedAt: row.changed_at } }),
      properties: { description, friendlyName: friendlyName ?? scope.workspace, provisioningState: 'Succeeded' },
    };
  };

  app.get(workspacePath, async (context) => {
    const answer = await workspaceAnswer(scopeOf(context));
    context.header('etag', etagOf(answer));
    return context.json(answer);
  });

  const change = async (context: RequestContext) => {
    const scope = scopeOf(context);
    requireRole(context, 'owner');
    const body = await jsonBody(context);
    requirePreconditions(context, await workspaceAnswer(scope));
    const given = isObject(body.properties) ? body.properties : {};
    const readOnly = ['provisioningState', 'workspaceId', 'mlFlowTrackingUri', 'tenantId'];
    checkKeys(given, ['description', 'friendlyName', ...readOnly], 'properties');
    const tags = textMapIn(body, 'tags');
    const description = textIn(given, 'description');
    const friendlyName = textIn(given, 'friendlyName');
    for (;;) {
      const { row, values } = await settings();
      const spec = {
        ...values,
        ...(tags !== undefined && { tags }),
        ...(description !== undefined && { description }),
        ...(friendlyName !== undefined && { friendlyName }),
      };
      const written = row
        ? await store.resources.change(settingsKind, 'settings', { spec }, { revision: row.revision })
        : await store.resources.add(settingsKind, 'settings', spec);
      if (written) return context.json(await workspaceAnswer(scope));
    }
  };
  app.put(workspacePath, change);
  app.patch(workspacePath, change);
  app.delete(workspacePath, (context) => {
    scopeOf(context);
    requireRole(context, 'owner');
    const message = 'a workspace is a folder; it is removed by ending the server and removing the folder';
    throw new Refusal('conflict', 'WorkspaceInUse', message);
  });

  for (const path of [
    '/subscriptions/:subscription/resourceGroups/:resourceGroup/providers/Microsoft.MachineLearningServices/workspaces',
    '/subscriptions/:subscription/providers/Microsoft.MachineLearningServices/workspaces',
  ]) {
    app.get(path, async (context) => {
      const scope = scopeOf(context, { resourceGroup: 'local', workspace: 'fovea' });
      return context.json({ value: [await workspaceAnswer(scope)] });
    });
  }

  app.get(`${workspacePath}/datastores`, async (context) => {
    const scope = scopeOf(context);
    pageRequest(context, 'count');
    const { names, isDefault } = context.req.query();
    const hidden = isDefault === 'false' || (names !== undefined && !names.split(',').includes(defaultDatastore));
    return context.json({ value: hidden ? [] : [datastoreAnswer(scope)] });
  });
  const datastoreIn = (context: RequestContext) => {
    const name = nameIn(context, 'datastore', (text) => checkName(text, 'datastore'));
    if (name !== defaultDatastore) {
      throw new Refusal(
        'not-found',
        'DatastoreNotFound',
        `there is no datastore ${name}; there is ${defaultDatastore}`,
      );
    }
  };
  app.get(`${workspacePath}/datastores/:datastore`, async (context) => {
    const scope = scopeOf(context);
    datastoreIn(context);
    return context.json(datastoreAnswer(scope));
  });
  app.post(`${workspacePath}/datastores/:datastore/listSecrets`, async (context) => {
    scopeOf(context);
    requireRole(context, 'owner');
    datastoreIn(context);
    throw new Refusal('invalid', 'NoSecrets', `${defaultDatastore} is a folder of the workspace and has no secrets`);
  });
  for (const method of ['PUT', 'DELETE']) {
    app.on(method, `${workspacePath}/datastores/:datastore`, (context) => {
      scopeOf(context);
      requireRole(context, 'owner');
      nameIn(context, 'datastore', (text) => checkName(text, 'datastore'));
      const message = `this release reads files of its own machine: a workspace has the datastore ${defaultDatastore} and no other`;
      throw new Refusal('invalid', 'DatastoreNotSupported', message, { target: 'properties.datastoreType' });
    });
  }

  return app;
}

const datastoreAnswer = (scope: Scope) => ({
  ...resourceHead(scope, `datastores/${defaultDatastore}`),
  properties: {
    ...{
      datastoreType: 'AzureBlob',
      isDefault: true,
      description: 'datastores/workspaceblobstore in the folder of the workspace',
    },
    ...{ accountName: 'fovea', containerName: defaultDatastore, endpoint: 'local', protocol: 'file' },
    ...{ credentials: { credentialsType: 'None' }, serviceDataAccessAuthIdentity: 'None', tags: {}, properties: {} },
  },
});
