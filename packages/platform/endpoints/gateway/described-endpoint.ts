import { RequestError } from '@fovea/serving/instance';

type Json = Record<string, unknown>;

/**
 * An instance's description of itself (Swagger 2.0 or OpenAPI 3.0), as that of its endpoint: with the endpoint's name, and the address that
 * clients ask, in place of the instance's.
 *
 * @param address `http://localhost:7041/<endpoint>`
 */
export function describedEndpoint(description: Buffer, endpoint: string, address: string): Buffer {
  let parsed: Json;
  try {
    parsed = JSON.parse(description.toString());
  } catch {
    throw new RequestError(503, 'ServiceUnavailable', 'the instance does not describe itself', { retryAfter: 1 });
  }
  const { protocol, host, pathname } = new URL(address);
  const info = { ...(parsed.info as Json | undefined), title: endpoint };
  const where =
    parsed.openapi === undefined
      ? {
          host,
          basePath: pathname.replace(/\/$/, '') || '/',
          schemes: [protocol.replace(':', '')],
          security: [{ Bearer: [] }],
        }
      : { servers: [{ url: address }], security: [{ Bearer: [] }] };
  return Buffer.from(JSON.stringify({ ...parsed, info, ...where }));
}
