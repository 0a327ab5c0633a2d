import type { Logger } from 'pino';
import type { ServedEndpoint, ServedEndpoints } from './served.ts';

/** What a gateway works with. */
export interface GatewayParts {
  /** Is asked for every request: what is answered now. */
  readonly served: () => ServedEndpoints;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** PEM; null: HTTP without TLS. */
  readonly certificate: GatewayCertificate | null;
  /** Whether that is a token of the workspace, for endpoints of `aad_token` and for metrics. */
  readonly verifyToken: (token: string) => Promise<boolean>;
  /** Whether that is a token that was given for an endpoint of `aml_token`. */
  readonly verifyEndpointToken: (endpoint: ServedEndpoint, token: string) => boolean;
  /** Where the requests and answers of a deployment are kept, if its data collector says so. */
  readonly collectorFolder: (endpoint: string, deployment: string) => string;
  /** A line for each request; never keys or bodies. */
  readonly log: Logger;
  readonly limits?: Partial<GatewayLimits>;
  /** 0 ≤ x < 1, for traffic and sampling. */
  readonly random?: () => number;
}

export interface GatewayCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What strangers may take of the gateway. */
export interface GatewayLimits {
  /** From the first byte of a request to its last, in milliseconds. */
  readonly receiveTimeoutMs: number;
  /** Bodies of requests in memory, all together. */
  readonly maxHeldBytes: number;
  readonly maxConnections: number;
  /** Mirrored requests on their way at once; more are dropped. */
  readonly maxMirrored: number;
  /** After `close`: requests that are worked on then have so long, in milliseconds. */
  readonly drainTimeoutMs: number;
}

/** The HTTP front of a workspace's online endpoints, which answers. */
export interface Gateway {
  /** `http://localhost:7041`; endpoints are below it, by their names. */
  readonly url: string;
  /** Shows another certificate from now on. */
  renew(certificate: GatewayCertificate): void;
  /** Answers what has been asked, takes no more, writes what was collected, and ends. A second call waits for the first. */
  close(): Promise<void>;
}
