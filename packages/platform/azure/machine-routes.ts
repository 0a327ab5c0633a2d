import { availableParallelism, hostname } from 'node:os';
import { Hono } from 'hono';
import { Refusal } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import { defaultDatastore } from '../registry/locate.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import { isObject, jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import type { ComputeRow } from '../store/index.ts';
import { checkKeys, textIn, textMapIn } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { etagOf, requirePreconditions } from './preconditions.ts';
import { nameIn, resourceHead, type Scope, scopeOf, workspacePath } from './scope.ts';

const settingsKind = 'workspace';

interface WorkspaceSettings {
  tags: Record<string, string>;
  description: string | null;
  friendlyName: string | null;
}

const noSettings: WorkspaceSettings = { tags: {}, description: null, friendlyName: null };

/** The workspace itself, the machines that its jobs run on, and where its data is. */
export function machineRoutes({ store }: ServerParts): Hono<RequestEnv> {
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

  app.get(`${workspacePath}/computes`, async (context) => {
    const scope = scopeOf(context);
    const all = await computes();
    const { most, after } = pageRequest(context, null);
    const from = after === undefined ? 0 : Number(after);
    const next = all.length > from + most ? String(from + most) : null;
    return context.json(
      pageAnswer(context, { rows: all.slice(from, from + most), next }, (row) => computeAnswer(scope, row)),
    );
  });

  /** Before anything has run here the machine is known all the same. */
  const computes = async (): Promise<ComputeRow[]> => {
    const known = await store.computes.list();
    if (known.some(({ type }) => type === 'local')) return known;
    const created_at = new Date(0).toISOString();
    return [{ name: 'local', type: 'local', cpu: availableParallelism(), gpu: 0, spec: {}, created_at }, ...known];
  };

  const computeIn = async (context: RequestContext): Promise<ComputeRow> => {
    const name = nameIn(context, 'compute', (text) => checkName(text, 'compute'));
    const all = await computes();
    const local = all.find(({ type }) => type === 'local');
    const found = all.find((row) => row.name === name) ?? (name === 'local' ? local : undefined);
    if (found) return found;
    const message = `there is no compute ${name}; there is ${all.map((row) => row.name).join(', ')}`;
    throw new Refusal('not-found', 'ComputeNotFound', message);
  };

  app.get(`${workspacePath}/computes/:compute`, async (context) => {
    const scope = scopeOf(context);
    return context.json(computeAnswer(scope, await computeIn(context)));
  });
  app.post(`${workspacePath}/computes/:compute/listNodes`, async (context) => {
    scopeOf(context);
    const { name } = await computeIn(context);
    const nodes = [
      {
        nodeId: `${name}-0`,
        nodeState: 'idle',
        privateIpAddress: null,
        publicIpAddress: null,
        port: null,
        runId: null,
      },
    ];
    return context.json({ nodes });
  });
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    app.on(method, `${workspacePath}/computes/:compute`, (context) => {
      scopeOf(context);
      requireRole(context, 'owner');
      const message = 'computes are the machines that Fovea runs on; they are found, and not made or removed';
      throw new Refusal('invalid', 'ComputeIsMachine', message, { target: 'properties.computeType' });
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

const computeAnswer = (scope: Scope, row: ComputeRow) => ({
  ...resourceHead(scope, `computes/${row.name}`),
  ...{ location: 'local', tags: {} },
  properties: {
    computeType: 'VirtualMachine',
    ...{ computeLocation: 'local', provisioningState: 'Succeeded', isAttachedCompute: true, disableLocalAuth: true },
    ...{ description: `${row.cpu} CPU cores, ${row.gpu} GPUs`, createdOn: row.created_at, modifiedOn: row.created_at },
    ...{ resourceId: null, provisioningErrors: null },
    properties: { virtualMachineSize: `${row.cpu} cores, ${row.gpu} GPUs`, address: hostname() },
  },
});

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
