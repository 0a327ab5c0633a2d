import { Hono } from 'hono';
import { invalid } from '../refusal.ts';
import { requireRole } from './authority.ts';
import type { HeavyWork } from './heavy-work.ts';
import { jsonBody, type RequestEnv } from './requests.ts';
import type { Uploads } from './uploads.ts';

/** Lists of files with their hashes are not longer, in bytes. */
const mostListBytes = 128 << 20;

/** Files that are sent before a job, data or a model is made of them. */
export function uploadRoutes(uploads: Uploads, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();

  app.post('/uploads', async (context) => {
    requireRole(context, 'contributor');
    return heavy.run(async () => {
      const { files } = await jsonBody(context, { mostBytes: mostListBytes });
      return context.json(await uploads.begin(files, context.get('principal').name));
    });
  });

  app.get('/uploads/:upload', async (context) => {
    requireRole(context, 'contributor');
    return context.json(await uploads.progress(context.req.param('upload'), context.get('principal').name));
  });

  app.put('/uploads/:upload/content', async (context) => {
    requireRole(context, 'contributor');
    const { raw } = context.req;
    try {
      await uploads.receive(context.req.param('upload'), context.get('principal').name, raw.body);
    } catch (error) {
      // Nobody hears the answer.
      if (raw.signal.aborted) throw invalid('the connection broke off', undefined, 'UploadTruncated');
      throw error;
    }
    return context.body(null, 204);
  });

  return app;
}
