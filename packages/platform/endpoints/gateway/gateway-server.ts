import type { IncomingMessage, RequestListener, ServerOptions, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { RequestError, refuse, requestIds } from '@fovea/serving/instance';
import type { Logger } from 'pino';
import type { GatewayCertificate } from './gateway.ts';
import { failureAnswer, type GatewayAnswer, readRest, send } from './gateway-answer.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** A request on its way to an answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  /** The client's own name of it. */
  readonly client: string | null;
  /** Tells the client that its body is wanted, where it asks first. */
  readonly wantBody: () => void;
  /** For logs and metrics; what is not known yet is ''. */
  readonly seen: { endpoint: string; deployment: string; isScore: boolean } & Record<string, unknown>;
}

export interface GatewayServerParts {
  readonly certificate: GatewayCertificate | null;
  readonly receiveTimeoutMs: number;
  readonly maxConnections: number;
  readonly log: Logger;
  readonly metrics: GatewayMetrics;
  /** @throws RequestError */
  answer(exchange: Exchange): Promise<GatewayAnswer> | GatewayAnswer;
}

/** Heads of requests come at once, unless somebody wants to keep the connection busy. */
const LONGEST_HEAD_MS = 10_000;
const KEEP_ALIVE_MS = 75_000;

export const minVersion = 'TLSv1.2';

/** The HTTP side of a gateway: limits, names of requests, errors, logs and counts. It does not listen yet. */
export function gatewayServer(
  parts: GatewayServerParts,
): Server & { closeAllConnections(): void; closeIdleConnections(): void } {
  const { certificate, receiveTimeoutMs, log, metrics } = parts;
  const options: ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: Math.min(LONGEST_HEAD_MS, receiveTimeoutMs),
    requestTimeout: receiveTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, receiveTimeoutMs),
    maxHeaderSize: 16 << 10,
    noDelay: true,
  };
  const server =
    certificate === null
      ? createServer(options)
      : createSecureServer({ ...options, ...certificate, minVersion, handshakeTimeout: LONGEST_HEAD_MS });
  server.maxConnections = parts.maxConnections;
  /** Connections whose request did not come whole in time. */
  const late = new WeakSet<Duplex>();

  const handle = async (request: IncomingMessage, response: ServerResponse, isExpectant: boolean) => {
    const begun = performance.now();
    const { id, client } = requestIds(request);
    const seen: Exchange['seen'] = { endpoint: '', deployment: '', isScore: false };
    let isWanted = !isExpectant;
    const wantBody = () => {
      if (!isWanted && !response.destroyed) response.writeContinue();
      isWanted = true;
    };
    let answer: GatewayAnswer;
    try {
      answer = await parts.answer({ request, response, id, client, wantBody, seen });
    } catch (error) {
      answer = failureAnswer(error, id);
      if (error instanceof RequestError) seen.error = { code: error.code, message: error.message };
      else log.error({ id, err: error }, 'a request failed');
    }
    const tell = () => {
      const seconds = (performance.now() - begun) / 1000;
      // 499: the client went away before it had its answer, as proxies count it.
      const status = response.writableFinished ? answer.status : late.has(request.socket) ? 408 : 499;
      const { isScore, endpoint, deployment, ...details } = seen;
      metrics.answered(endpoint, deployment, status, seconds, isScore && deployment !== '');
      const ms = Math.round(1e5 * seconds) / 100;
      const { method } = request;
      log[isScore ? 'info' : 'debug']({ id, client, method, endpoint, deployment, status, ms, ...details }, 'request');
    };
    if (response.destroyed) {
      tell();
      return;
    }
    response.on('close', tell);
    const own: Record<string, string> = { 'x-request-id': id };
    if (client !== null) own['x-ms-client-request-id'] = client;
    if (seen.deployment !== '') own['azureml-model-deployment'] = seen.deployment;
    // A body that nobody asked for may come or not: where the next request begins cannot be known.
    // After a request that wanted another protocol, Node reports no fault in the next one, and it would have no answer.
    if (!server.listening || !isWanted || request.headers.upgrade !== undefined) own.connection = 'close';
    send(response, answer, own);
    readRest(request);
  };
  const listener: RequestListener = (request, response) => void handle(request, response, false);
  server.on('request', listener);
  server.on(
    'checkContinue',
    (request: IncomingMessage, response: ServerResponse) => void handle(request, response, true),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') late.add(socket);
    refuse(error, socket, receiveTimeoutMs);
  });
  return server;
}
