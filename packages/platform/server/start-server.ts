import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Refusal } from '../refusal.ts';
import { createApp, type ServerParts } from './app.ts';
import type { Certificate } from './certificate.ts';

export interface ServerAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** A server that answers. */
export interface RunningServer {
  /** `https://localhost:7040` */
  readonly url: string;
  /** Shows another certificate from now on. */
  renew(certificate: Certificate): void;
  /** Answers what has been asked, takes no more, and ends. */
  close(): Promise<void>;
}

/** How long a request may take to arrive, in milliseconds. Answers may take longer: data of a job is read before it is stored. */
const arrival = { head: 10_000, whole: 60_000 } as const;
const mostConnections = 4000;
const minVersion = 'TLSv1.2';

/**
 * Listens. @throws Refusal when it must not (no tokens, and not this machine alone), or cannot: a port that is taken, a certificate and key that
 * do not belong together
 */
export async function startServer(
  parts: ServerParts,
  certificate: Certificate,
  { host, port }: ServerAddress,
): Promise<RunningServer> {
  if (parts.authority.noAuth && !isLoopback(host)) {
    const message = `without tokens a server listens to its own machine only, not to ${host}; leave --no-auth or --host out`;
    throw new Refusal('invalid', 'NoAuthNotLocal', message);
  }
  const server = secureServer(certificate);
  const listener = getRequestListener(createApp(parts).fetch, { overrideGlobalObjects: false });
  server.on('request', listener);
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is taken; --port names another' : error.message;
      reject(new Refusal('invalid', 'CannotListen', `port ${port} of ${host}: ${why}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
  const { port: found } = server.address() as AddressInfo;
  const name = isLoopback(host) || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return {
    url: `https://${isIP(name) === 6 ? `[${name}]` : name}:${found}`,
    renew: ({ cert, key }) => server.setSecureContext({ cert, key, minVersion }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 5000).unref();
      }),
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

function secureServer({ cert, key }: Certificate): Server {
  const timeouts = {
    ...{ headersTimeout: arrival.head, requestTimeout: arrival.whole, connectionsCheckingInterval: 1000 },
    ...{ keepAliveTimeout: 75_000, maxHeaderSize: 16 << 10 },
  };
  let server: Server;
  try {
    server = createServer({ cert, key, minVersion, handshakeTimeout: arrival.head, ...timeouts });
  } catch (error) {
    const message = `the certificate cannot be used with this key: ${(error as Error).message}`;
    throw new Refusal('invalid', 'Certificate', message, { cause: error });
  }
  server.maxConnections = mostConnections;
  return server;
}
