import { Hono } from 'hono';
import type { ServerParts } from '../server/app.ts';
import type { RequestEnv } from '../server/requests.ts';
import { dataForm, environmentForm, modelForm } from './asset-form.ts';
import { assetRoutes } from './asset-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { machineRoutes } from './machine-routes.ts';

/** Azure's management interface of a workspace, as far as there is something behind it. */
export function azureRoutes(parts: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  app.route('/', machineRoutes(parts));
  app.route('/', jobRoutes(parts));
  for (const form of [dataForm, modelForm, environmentForm]) app.route('/', assetRoutes(parts, form));
  return app;
}
