import { Hono } from 'hono';
import type { ServerParts } from '../server/app.ts';
import { HeavyWork } from '../server/heavy-work.ts';
import type { RequestEnv } from '../server/requests.ts';
import { dataForm, environmentForm, modelForm } from './asset-form.ts';
import { assetRoutes } from './asset-routes.ts';
import { batchInvocationRoutes } from './batch-invocation.ts';
import { batchRoutes } from './batch-routes.ts';
import { computeRoutes } from './compute-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { onlineDeploymentRoutes } from './online-deployment-routes.ts';
import { onlineEndpointRoutes } from './online-endpoint-routes.ts';
import { onlineOperationRoutes } from './online-operations.ts';
import { workspaceRoutes } from './workspace-routes.ts';

/** Azure's management interface of a workspace, as far as there is something behind it. */
export function azureRoutes(parts: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  app.route('/', computeRoutes(parts));
  app.route('/', workspaceRoutes(parts));
  const heavy = new HeavyWork(4);
  app.route('/', jobRoutes(parts, heavy));
  for (const form of [dataForm, modelForm, environmentForm]) app.route('/', assetRoutes(parts, form, heavy));
  app.route('/', onlineEndpointRoutes(parts));
  app.route('/', onlineDeploymentRoutes(parts, heavy));
  app.route('/', onlineOperationRoutes(parts));
  app.route('/', batchRoutes(parts, heavy));
  app.route('/', batchInvocationRoutes(parts, heavy));
  return app;
}
