import { availableParallelism } from 'node:os';
import { Hono } from 'hono';
import {
  changeNamedCompute,
  namedCompute,
  nodesOf,
  putNamedCompute,
  removeNamedCompute,
  setStopped,
} from '../compute/named-compute.ts';
import { invalid, Refusal } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import { jsonBody, type RequestContext, type RequestEnv } from '../server/requests.ts';
import type { ComputeRow } from '../store/index.ts';
import { computeAnswer, computeChangesIn, computeIn, machineAnswer, nodeAnswer } from './compute-form.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { etagOf, requirePreconditions, Turns } from './preconditions.ts';
import { nameIn, type Scope, scopeOf, workspacePath } from './scope.ts';

const path = `${workspacePath}/computes/:compute`;

/** The machines that jobs run on, and the names that people give them. */
export function computeRoutes({ store }: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const turns = new Turns();

  /** Before anything has run here the machine is known all the same. */
  const computes = async (): Promise<ComputeRow[]> => {
    const known = await store.computes.list();
    if (known.some(({ type }) => type === 'local')) return known;
    const created_at = new Date(0).toISOString();
    return [{ name: 'local', type: 'local', cpu: availableParallelism(), gpu: 0, spec: {}, created_at }, ...known];
  };

  const answerOf = async (scope: Scope, row: ComputeRow): Promise<object> => {
    const named = namedCompute(row);
    return named === null ? machineAnswer(scope, row) : computeAnswer(scope, named, await nodesOf(store, named));
  };

  const find = async (name: string): Promise<ComputeRow | undefined> => {
    const all = await computes();
    return (
      all.find((row) => row.name === name) ?? (name === 'local' ? all.find(({ type }) => type === 'local') : undefined)
    );
  };

  const computeNamed = async (context: RequestContext): Promise<ComputeRow> => {
    const name = nameIn(context, 'compute', (text) => checkName(text, 'compute'));
    const found = await find(name);
    if (found) return found;
    const message = `there is no compute ${name}; there is ${(await computes()).map((row) => row.name).join(', ')}`;
    throw new Refusal('not-found', 'ComputeNotFound', message);
  };

  /** The name of a compute that is to be made or changed, by an owner. @throws Refusal for that of a machine */
  const nameOf = async (context: RequestContext): Promise<string> => {
    requireRole(context, 'owner');
    const name = nameIn(context, 'compute', (text) => checkName(text, 'compute'));
    const found = await find(name);
    if (found === undefined || namedCompute(found) !== null) return name;
    const message = `${name} is a machine that Fovea runs on: it is found, and not made or removed`;
    throw new Refusal('invalid', 'ComputeIsMachine', message, { target: 'properties.computeType' });
  };

  app.get(`${workspacePath}/computes`, async (context) => {
    const scope = scopeOf(context);
    const all = await computes();
    const { most, after } = pageRequest(context, null);
    const from = after === undefined ? 0 : Number(after);
    const next = all.length > from + most ? String(from + most) : null;
    const shown = await Promise.all(all.slice(from, from + most).map((row) => answerOf(scope, row)));
    return context.json(pageAnswer(context, { rows: shown, next }, (answer) => answer));
  });

  app.get(path, async (context) => {
    const scope = scopeOf(context);
    const answer = await answerOf(scope, await computeNamed(context));
    context.header('etag', etagOf(answer));
    return context.json(answer);
  });

  app.post(`${path}/listNodes`, async (context) => {
    scopeOf(context);
    const row = await computeNamed(context);
    const named = namedCompute(row);
    const nodes = named === null ? [{ id: `${row.name}-0`, trial: null }] : await nodesOf(store, named);
    return context.json({ nodes: nodes.map(nodeAnswer) });
  });

  const write = (method: 'PUT' | 'PATCH') =>
    app.on(method, path, async (context) => {
      const scope = scopeOf(context);
      const name = await nameOf(context);
      const body = await jsonBody(context);
      return turns.take(name, async () => {
        const before = await find(name);
        requirePreconditions(context, before ? await answerOf(scope, before) : null);
        const compute =
          method === 'PUT'
            ? await putNamedCompute(store, computeIn(name, body))
            : await changeNamedCompute(store, name, computeChangesIn(body));
        const answer = computeAnswer(scope, compute, await nodesOf(store, compute));
        context.header('etag', etagOf(answer));
        return context.json(answer, before ? 200 : 201);
      });
    });
  write('PUT');
  write('PATCH');

  app.delete(path, async (context) => {
    const scope = scopeOf(context);
    const name = await nameOf(context);
    const action = context.req.query('underlyingResourceAction') ?? 'Delete';
    if (action !== 'Delete') {
      const message =
        'a compute here is a name, and nothing lies under it that could be kept: underlyingResourceAction=Delete';
      throw invalid(message, 'underlyingResourceAction');
    }
    return turns.take(name, async () => {
      const before = await find(name);
      requirePreconditions(context, before ? await answerOf(scope, before) : null);
      if (before === undefined) return context.body(null, 204);
      await removeNamedCompute(store, name);
      return context.body(null, 200);
    });
  });

  for (const [verb, isStopped] of [
    ['start', false],
    ['restart', false],
    ['stop', true],
  ] as const) {
    app.post(`${path}/${verb}`, async (context) => {
      scopeOf(context);
      const name = await nameOf(context);
      await setStopped(store, name, isStopped);
      return context.body(null, 200);
    });
  }

  app.post(`${path}/listKeys`, async (context) => {
    scopeOf(context);
    requireRole(context, 'owner');
    const { name } = await computeNamed(context);
    throw new Refusal('invalid', 'NoSecrets', `${name} has no keys: Fovea gives nobody access to this machine`);
  });

  return app;
}
