import { createBatchEndpoints } from '../endpoints/batch/create-batch-endpoints.ts';
import { createOnlineEndpoints } from '../endpoints/online/create-online-endpoints.ts';
import { openWorkspace } from '../open-workspace.ts';
import { type Place, placeOf } from '../place.ts';
import { createRegistry } from '../registry/registry.ts';
import { openStore } from '../store/index.ts';
import type { LogEntry } from './app.ts';
import { ownCertificate, readCertificate } from './certificate.ts';
import { keepKeeper, keepOrchestrator } from './kept-process.ts';
import { RequestRate } from './request-rate.ts';
import { startServer } from './start-server.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { type UploadLimits, usualLimits } from './upload-list.ts';

export interface ServeOptions {
  readonly folder: string;
  readonly database?: string;
  readonly host: string;
  readonly port: number;
  /** Files in PEM; a certificate of the workspace's own authority is made without them. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Everybody on this machine is an owner. */
  readonly noAuth: boolean;
  /** Work on the jobs, too. */
  readonly orchestrator: boolean;
  /** Answer for online endpoints, too, at this port; 0: any that is free; `usual`: that of the last time, 7041, or any. Null: something else does. */
  readonly scoringPort: number | 'usual' | null;
  /** How much other machines may send; what is left out is as usual. */
  readonly uploadLimits?: Partial<UploadLimits>;
  readonly log: (entry: LogEntry) => void;
  readonly say: (line: string) => void;
}

export interface ServedWorkspace {
  readonly url: string;
  /** File of the authority that clients must trust; null when the certificate was given. */
  readonly authority: string | null;
  /** There is nobody that it would let in yet. */
  readonly hasTokens: boolean;
  close(): Promise<void>;
}

/** So many requests each token has at once, and a second. */
const rate = { burst: 400, perSecond: 100 } as const;
const renewalMilliseconds = 24 * 60 * 60 * 1000;

/** Serves a workspace over HTTPS. @throws Refusal when it cannot be, StoreUnavailable */
export async function serveWorkspace(options: ServeOptions): Promise<ServedWorkspace> {
  const place = placeOf(options);
  const store = await openStore(place);
  const workspace = await openWorkspace(addressOf(place));
  const close = async () => {
    await workspace.close();
    await store.close();
  };
  try {
    const tokens = createTokens(store);
    const authority = { tokens, noAuth: options.noAuth, rate: new RequestRate(rate.burst, rate.perSecond) };
    const { cert, key } = options.certificate ?? {};
    const certificate =
      cert !== undefined && key !== undefined
        ? readCertificate(cert, key)
        : await ownCertificate(place.folder, options.host);
    const registry = createRegistry(place, store);
    const online = createOnlineEndpoints(place, store, registry);
    const batch = createBatchEndpoints(place, store, registry);
    const uploadLimits = { ...usualLimits, ...options.uploadLimits };
    const parts = { place, store, workspace, registry, online, batch, authority, uploadLimits, log: options.log };
    const server = await startServer(parts, certificate, options);
    const { host, scoringPort, say } = options;
    const address = { host, port: scoringPort === 'usual' ? null : scoringPort, certificate };
    const keeper = scoringPort === null ? null : keepKeeper(place, address, say);
    // A server may go on for longer than its certificate lasts.
    const renewing = setInterval(async () => {
      if (certificate.authority === null) return;
      const renewed = await ownCertificate(place.folder, options.host).catch((error: Error) => {
        options.say(`the certificate could not be renewed: ${error.message}`);
        return null;
      });
      if (!renewed) return;
      server.renew(renewed);
      keeper?.renew(renewed);
    }, renewalMilliseconds).unref();
    const endOrchestrator = options.orchestrator ? keepOrchestrator(place, options.say) : async () => {};
    return {
      url: server.url,
      authority: certificate.authority,
      hasTokens: (await tokens.list()).length > 0,
      async close() {
        clearInterval(renewing);
        await server.close();
        await Promise.all([endOrchestrator(), keeper?.end()]);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Tokens of a workspace, with a connection of their own. */
export async function openTokens(address: {
  readonly folder: string;
  readonly database?: string;
}): Promise<Tokens & { close(): Promise<void> }> {
  const store = await openStore(placeOf(address));
  return { ...createTokens(store), close: () => store.close() };
}

const addressOf = ({ folder, database }: Place) => ({ folder, ...(database !== undefined && { database }) });
