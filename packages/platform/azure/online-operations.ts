import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { OnlineEndpoints, ProvisioningState } from '../endpoints/index.ts';
import { isSettled } from '../endpoints/online/deployment-change.ts';
import { Refusal } from '../refusal.ts';
import type { ServerParts } from '../server/app.ts';
import type { RequestContext, RequestEnv } from '../server/requests.ts';
import { scopeOf, workspaceId, workspacePath } from './scope.ts';

/** What is waited for. */
const waits = ['apply-endpoint', 'apply-deployment', 'remove-endpoint', 'remove-deployment'] as const;
type Wait = (typeof waits)[number];

/** Seconds after which a client asks again: at once, because an answer is held back for a while when there is nothing to say yet. */
const retryAfter = '0';
const heldMilliseconds = 2000;
const lookMilliseconds = 100;

/**
 * Tells the client where to ask whether what it asked for has been done. There is nothing to keep of an operation: that stands in what it changes.
 *
 * @param header `azure-asyncoperation`: the answers say how it went; `location`: they are 202 until it has been done
 */
export function announce(
  context: RequestContext,
  header: 'azure-asyncoperation' | 'location',
  wait: Wait,
  ...names: readonly string[]
): void {
  const version = encodeURIComponent(context.req.query('api-version') ?? '');
  const path = `${workspaceId(scopeOf(context))}/operations/${[wait, ...names].join('.')}?api-version=${version}`;
  const how = header === 'location' ? '&wait=location' : '';
  context.header(header, new URL(path + how, context.req.url).href);
  context.header('retry-after', retryAfter);
}

/** How long-running operations on endpoints and deployments stand. */
export function onlineOperationRoutes({ online }: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  app.get(`${workspacePath}/operations/:operation`, async (context) => {
    scopeOf(context);
    const id = context.req.param('operation');
    const [wait = '', endpoint = '', deployment = ''] = id.split('.');
    if (!(waits as readonly string[]).includes(wait) || endpoint === '') throw notFound();
    const { signal } = context.req.raw;
    const until = performance.now() + heldMilliseconds;
    let outcome = await outcomeOf(online, wait as Wait, endpoint, deployment);
    while (outcome.status === 'InProgress' && performance.now() < until && !signal.aborted) {
      await sleep(lookMilliseconds);
      outcome = await outcomeOf(online, wait as Wait, endpoint, deployment);
    }
    if (outcome.status === 'InProgress') context.header('retry-after', retryAfter);
    if (context.req.query('wait') === 'location') {
      if (outcome.status !== 'InProgress') return context.body(null, 204);
      context.header('location', context.req.url);
      return context.body(null, 202);
    }
    return context.json({ id: context.req.path, name: id, ...outcome });
  });
  return app;
}

interface Outcome {
  readonly status: 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';
  readonly error?: { readonly code: string; readonly message: string };
}

async function outcomeOf(online: OnlineEndpoints, wait: Wait, endpoint: string, deployment: string): Promise<Outcome> {
  const found = <T>(work: Promise<T>): Promise<T | null> =>
    work.catch((error: unknown) => {
      if (error instanceof Refusal && error.reason === 'not-found') return null;
      throw error;
    });
  const gone = { status: 'Failed', error: { code: 'Removed', message: 'it has been removed meanwhile' } } as const;
  try {
    switch (wait) {
      case 'apply-endpoint': {
        const record = await found(online.find(endpoint));
        return record ? outcomeAs(record.provisioning_state, null) : gone;
      }
      case 'apply-deployment': {
        const record = await found(online.findDeployment(endpoint, deployment));
        return record ? outcomeAs(record.provisioning_state, record.error) : gone;
      }
      case 'remove-endpoint':
        return { status: (await online.isRemoved(endpoint)) ? 'Succeeded' : 'InProgress' };
      case 'remove-deployment': {
        const record = await found(online.findDeployment(endpoint, deployment));
        return { status: record?.provisioning_state === 'Deleting' ? 'InProgress' : 'Succeeded' };
      }
    }
  } catch (error) {
    // Whoever waits is told, instead of waiting on.
    if (!(error instanceof Refusal) || error.reason === 'invalid') throw error;
    return { status: 'Failed', error: { code: error.code, message: error.message } };
  }
}

function outcomeAs(state: ProvisioningState, error: string | null): Outcome {
  if (!isSettled(state)) {
    if (state !== 'Deleting') return { status: 'InProgress' };
    return { status: 'Canceled', error: { code: 'Deleting', message: 'it is being removed' } };
  }
  if (state === 'Succeeded') return { status: state };
  const message = error ?? 'the deployment was ended before it was ready';
  return { status: state === 'Canceled' ? 'Canceled' : 'Failed', error: { code: 'DeploymentFailed', message } };
}

const notFound = () => new Refusal('not-found', 'OperationNotFound', 'there is no such operation');
