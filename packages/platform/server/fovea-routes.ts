import { Hono, type MiddlewareHandler } from 'hono';
import { invalid } from '../refusal.ts';
import { protocol, protocolHeader, root } from '../wire/protocol.ts';
import type { ServerParts } from './app.ts';
import { batchRoutes } from './batch-routes.ts';
import { HeavyWork } from './heavy-work.ts';
import { jobAnswers } from './job-answers.ts';
import { jobRoutes } from './job-routes.ts';
import { onlineRoutes } from './online-routes.ts';
import { registryRoutes } from './registry-routes.ts';
import type { RequestEnv } from './requests.ts';
import { usualLimits } from './upload-list.ts';
import { uploadRoutes } from './upload-routes.ts';
import { createUploads } from './uploads.ts';

/** Says in every answer which version the server speaks, and tells who speaks another. */
export const speaksProtocol: MiddlewareHandler<RequestEnv> = async (context, next) => {
  context.header(protocolHeader, String(protocol));
  const spoken = context.req.header(protocolHeader);
  if (spoken !== undefined && spoken !== String(protocol)) {
    const message = `this server speaks version ${protocol} of what fovea says to servers, not ${spoken.slice(0, 10)}`;
    throw invalid(message, undefined, 'OtherProtocol');
  }
  await next();
  // Answers that were made apart from the context do not have it yet.
  context.res.headers.set(protocolHeader, String(protocol));
};

/** What a `fovea` on another machine asks: what Azure's interface has no words for, and in the words of the command what it has. */
export function foveaRoutes(parts: ServerParts): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();
  const uploads = createUploads(parts.place, parts.uploadLimits ?? usualLimits);
  const heavy = new HeavyWork(4);
  const answers = jobAnswers(parts);
  app.route(root, uploadRoutes(uploads, heavy));
  app.route(root, jobRoutes(parts, { uploads, heavy, answers }));
  app.route(root, registryRoutes(parts, uploads, heavy));
  app.route(root, onlineRoutes(parts, heavy));
  app.route(root, batchRoutes(parts, { uploads, heavy, answers }));
  return app;
}
