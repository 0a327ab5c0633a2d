import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { azureRoutes } from '../azure/routes.ts';
import { canonicalPath } from '../azure/scope.ts';
import type { BatchEndpoints, OnlineEndpoints } from '../endpoints/index.ts';
import type { Place } from '../place.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/index.ts';
import type { Workspace } from '../workspace.ts';
import { type Authority, requireToken } from './authority.ts';
import { bodyOf, errorAnswer } from './error-answer.ts';
import { foveaRoutes, speaksProtocol } from './fovea-routes.ts';
import type { RequestEnv } from './requests.ts';
import type { UploadLimits } from './upload-list.ts';

/** What a server works with. */
export interface ServerParts {
  readonly place: Pick<Place, 'folder'>;
  readonly store: Store;
  readonly workspace: Workspace;
  readonly registry: Registry;
  readonly online: OnlineEndpoints;
  readonly batch: BatchEndpoints;
  readonly authority: Authority;
  /** How much other machines may send. */
  readonly uploadLimits?: UploadLimits;
  /** Is told of each request, and of faults. */
  readonly log: (entry: LogEntry) => void;
}

export interface LogEntry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly who: string | null;
  /** What was thrown and nobody was meant to see. */
  readonly fault?: unknown;
}

/** Everything that a server answers, as a function of requests: no socket is needed to ask it. */
export function createApp(parts: ServerParts): Hono<RequestEnv> {
  const { authority, log } = parts;
  const app = new Hono<RequestEnv>({ getPath: (request) => canonicalPath(request.url) });

  app.use(async (context, next) => {
    const begun = performance.now();
    const id = randomUUID();
    context.set('requestId', id);
    await next();
    const client = context.req.header('x-ms-client-request-id');
    const { headers, status } = context.res;
    headers.set('x-ms-request-id', id);
    if (client !== undefined && /^[\w-]{1,64}$/.test(client)) headers.set('x-ms-client-request-id', client);
    headers.set('x-content-type-options', 'nosniff');
    headers.set('cache-control', 'no-store');
    log({
      ...{ id, status, method: context.req.method, path: context.req.path },
      ...{ milliseconds: performance.now() - begun, who: context.get('principal')?.name ?? null },
      ...(context.error && status >= 500 && { fault: context.error }),
    });
  });

  app.use('/fovea/*', speaksProtocol);
  app.get('/healthz', (context) => context.text('ok'));
  app.use(requireToken(authority));
  app.route('/', azureRoutes(parts));
  app.route('/', foveaRoutes(parts));

  app.notFound((context) => {
    const message = `there is nothing at ${context.req.method} ${context.req.path.slice(0, 300)}`;
    return context.json(bodyOf('NotFound', message), 404);
  });
  app.onError((error, context) => {
    const answer = errorAnswer(error, { issues: context.req.path.startsWith('/fovea/') });
    if (answer === null) {
      const message = `the server failed; its log says more about request ${context.get('requestId')}`;
      return context.json(bodyOf('InternalServerError', message), 500);
    }
    if (answer.retryAfter !== undefined) context.header('retry-after', String(answer.retryAfter));
    return context.json(answer.body, answer.status as 400);
  });
  return app;
}
