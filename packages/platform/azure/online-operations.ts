import { Hono } from 'hono';
import type { OnlineEndpoints, ProvisioningState } from '../endpoints/index.ts';
import { Refusal } from '../refusal.ts';
import type { ServerParts } from '../server/app.ts';
import type { RequestContext, RequestEnv } from '../server/requests.ts';
import { scopeOf, workspaceId, workspacePath } from './scope.ts';

/** What is waited for. */
const waits = ['apply-endpoint', 'apply-deployment', 'remove-endpoint', 'remove-deployment'] as const;
type Wait = (typeof waits)[number];

/** Seconds after which a client asks again. */
const retryAfter = '1';
/** So long an answer is held back while there is nothing to say yet, in milliseconds. */
const held = { change: 1000, poll: 2000 } as const;

/**
 * What a change has come to, when that shows so soon that nobody needs to ask for it.
 * @param wait until then
 * @returns null when it does not, or nothing good has come of it: then the client is to be told where to ask
 */
export async function soonDone<Record extends { readonly provisioning_state: ProvisioningState }>(
  { req }: RequestContext,
  wait: (signal: AbortSignal) => Promise<Record | null>,
): Promise<Record | 'removed' | null> {
  const signal = AbortSignal.any([req.raw.signal, AbortSignal.timeout(held.change)]);
  try {
    const record = await wait(signal);
    if (record === null) return 'removed';
    return record.provisioning_state === 'Succeeded' ? record : null;
  } catch (error) {
    if (signal.aborted || (error instanceof Refusal && error.code === 'KeeperFailed')) return null;
    throw error;
  }
}

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
    const signal = AbortSignal.any([context.req.raw.signal, AbortSignal.timeout(held.poll)]);
    const outcome = await outcomeOf(online, wait as Wait, [endpoint, deployment], signal);
    if (outcome.status === 'InProgress') context.header('retry-after', retryAfter);
    if (context.req.query('wait') === 'location') {
      if (outcome.error) throw new Refusal('conflict', outcome.error.code, outcome.error.message);
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

async function outcomeOf(
  online: OnlineEndpoints,
  wait: Wait,
  [endpoint, deployment]: readonly [string, string],
  signal: AbortSignal,
): Promise<Outcome> {
  const isRemoval = wait.startsWith('remove');
  try {
    const record = await (wait.endsWith('endpoint')
      ? online.applied(endpoint, signal)
      : online.settled(endpoint, deployment, signal));
    // What is there in place of what was removed is another one.
    if (isRemoval) return { status: 'Succeeded' };
    if (!record) return { status: 'Failed', error: { code: 'Removed', message: 'it has been removed meanwhile' } };
    if (record.provisioning_state === 'Succeeded') return { status: 'Succeeded' };
    const why = ('error' in record ? record.error : null) ?? 'the deployment was ended before it was ready';
    return {
      status: record.provisioning_state === 'Canceled' ? 'Canceled' : 'Failed',
      error: { code: 'DeploymentFailed', message: why },
    };
  } catch (error) {
    if (signal.aborted) return { status: 'InProgress' };
    // Whoever waits is told, instead of waiting on.
    if (error instanceof Refusal && error.code === 'KeeperFailed') {
      return { status: 'Failed', error: { code: error.code, message: error.message } };
    }
    throw error;
  }
}

const notFound = () => new Refusal('not-found', 'OperationNotFound', 'there is no such operation');
