import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Admission } from './admission.ts';
import type { HeldBytes } from './held-bytes.ts';
import { failureAnswer, type HttpAnswer, jsonAnswer, requestIds, send } from './http-answers.ts';
import type { InstanceMetrics } from './instance-metrics.ts';
import type { InstanceOptions } from './options.ts';
import { refuse } from './refuse-connection.ts';
import { readBody } from './request-body.ts';
import { badRequest, RequestError } from './request-error.ts';
import { type AskedImage, parseScoreRequest } from './score-request.ts';
import type { ScoredImage, Scorer } from './scorer.ts';
import type { ServedModel } from './served-model.ts';
import { swagger } from './swagger.ts';
import { untilAnswered } from './until-answered.ts';

export interface ServerParts {
  readonly options: InstanceOptions;
  readonly model: ServedModel;
  readonly scorer: Pick<Scorer, 'score'>;
  readonly admission: Admission;
  readonly held: HeldBytes;
  readonly metrics: InstanceMetrics;
  readonly log: Logger;
  /** Why no requests are taken; null: they are. */
  unready(): string | null;
  /** Why it should be started again; null: it works. */
  unhealthy(): string | null;
}

/** What is told of a request in the log, beside its name, status and time. */
type Details = Record<string, unknown>;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly id: string;
  readonly details: Details;
}

type Handler = (exchange: Exchange) => Promise<HttpAnswer> | HttpAnswer;

interface Route {
  readonly method: 'GET' | 'POST';
  readonly handle: Handler;
}

/** Heads of requests come at once, unless somebody wants to keep the connection busy. */
const LONGEST_HEAD_MS = 10_000;
/** Longer than routers keep theirs, so that it is they who close a connection that nobody uses. */
const KEEP_ALIVE_MS = 75_000;

/** The HTTP side of an instance: routes, limits, names of requests, errors, logs and counts. It does not listen yet. */
export function instanceServer(parts: ServerParts): Server {
  const { options, log, metrics } = parts;
  const routes = routesOf(parts);
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: Math.min(LONGEST_HEAD_MS, options.receiveTimeoutMs),
    requestTimeout: options.receiveTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, options.receiveTimeoutMs),
  });
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const begun = performance.now();
    const { id, client } = requestIds(request);
    response.setHeader('x-request-id', id);
    if (client !== null) response.setHeader('x-ms-client-request-id', client);
    if (options.deployment !== null)
      response.setHeader('azureml-model-deployment', encodeURIComponent(options.deployment));
    const [path, search] = splitTarget(request.url ?? '/');
    const details: Details = {};
    let answer: HttpAnswer;
    try {
      const { handle } = routeFor(routes, path, request.method ?? '');
      answer = await handle({ request, response, query: new URLSearchParams(search), id, details });
    } catch (error) {
      answer = failureAnswer(error, id);
      if (error instanceof RequestError)
        details.error = { code: error.code, message: error.message, target: error.target };
      else if (!response.destroyed) log.error({ id, err: error }, 'a request failed');
    }
    const tell = () => {
      const seconds = (performance.now() - begun) / 1000;
      // 499: the client went away before there was an answer, as proxies count it.
      const status = response.writableFinished ? answer.status : 499;
      metrics.answered(Object.hasOwn(routes, path) ? path : 'other', status, seconds);
      const level = path === '/score' ? 'info' : 'debug';
      log[level](
        { id, client, method: request.method, path, status, ms: round(1000 * seconds), ...details },
        'request',
      );
    };
    if (response.destroyed) {
      tell();
      return;
    }
    response.on('close', tell);
    send(response, answer, { close: !server.listening });
    // What is left of a request that nobody read stands in the way of the next one.
    request.resume();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket, options.receiveTimeoutMs));
  return server;
}

function routesOf({ options, model, metrics, unready, unhealthy, ...parts }: ServerParts): Record<string, Route> {
  const state = (problem: string | null): HttpAnswer => {
    if (problem === null) return { status: 200, type: 'text/plain; charset=utf-8', body: 'Healthy' };
    throw new RequestError(503, 'ServiceUnavailable', problem, { retryAfter: 1 });
  };
  const get = (handle: Handler): Route => ({ method: 'GET', handle });
  return {
    '/': get(() => state(unready())),
    '/health/live': get(() => state(unhealthy())),
    '/health/ready': get(() => state(unready())),
    '/metrics': get(async () => ({ status: 200, ...(await metrics.text()) })),
    '/swagger.json': get(({ query }) => {
      const version = query.get('version') ?? '2';
      if (version !== '2' && version !== '3') throw badRequest('version should be 2 or 3', 'version');
      return jsonAnswer(swagger(model, options.deployment, version === '2' ? 2 : 3));
    }),
    '/score': { method: 'POST', handle: scoring({ options, metrics, ...parts }) },
  };
}

function scoring({
  options,
  scorer,
  admission,
  held,
  metrics,
}: Pick<ServerParts, 'options' | 'scorer' | 'admission' | 'held' | 'metrics'>): Handler {
  return async ({ request, response, id, details }) => {
    const isRaw = bodyKind(request.headers['content-type']) === 'raw';
    admission.requireRoom();
    const body = await readBody(request, options.maxRequestBytes, held);
    const { signal, stop } = untilAnswered(response, options.requestTimeoutMs);
    const received = performance.now();
    try {
      const images = isRaw ? [rawImage(body.bytes)] : parseScoreRequest(body.bytes);
      Object.assign(details, { images: images.length, bytes: body.bytes.length });
      const leave = await admission.enter(signal);
      const waited = performance.now() - received;
      metrics.queued(waited / 1000);
      details.queueMs = round(waited);
      try {
        const answers = await scorer.score(images, signal);
        return jsonAnswer(isRaw ? { filename: id, ...answers[0] } : (answers satisfies ScoredImage[]));
      } finally {
        leave();
      }
    } finally {
      stop();
      body.release();
    }
  };
}

const rawImage = (bytes: Uint8Array): AskedImage => ({ source: bytes, explanation: null, target: 'the body' });

/** Whether a body is JSON or the bytes of a picture, as version 1 of Azure's interface has it. Not told: JSON. */
function bodyKind(contentType: string | undefined): 'json' | 'raw' {
  const [type] = (contentType ?? 'application/json').toLowerCase().split(';');
  switch (true) {
    case /^application\/(.+\+)?json$/.test(type.trim()):
      return 'json';
    case type.trim() === 'application/octet-stream' || /^image\//.test(type.trim()):
      return 'raw';
    default: {
      const message =
        'content-type should be application/json, or application/octet-stream for the bytes of one picture';
      throw new RequestError(415, 'UnsupportedMediaType', message);
    }
  }
}

function routeFor(routes: Readonly<Record<string, Route>>, path: string, method: string): Route {
  if (!Object.hasOwn(routes, path)) {
    const known = Object.entries(routes).map(([route, { method: way }]) => `${way} ${route}`);
    throw new RequestError(404, 'NotFound', `there is nothing here; there are ${known.join(', ')}`);
  }
  const route = routes[path];
  if (method === route.method || (method === 'HEAD' && route.method === 'GET')) return route;
  const headers = { allow: route.method === 'GET' ? 'GET, HEAD' : route.method };
  throw new RequestError(405, 'MethodNotAllowed', `${path} takes ${route.method}`, { headers });
}

function splitTarget(target: string): [path: string, search: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

const round = (ms: number): number => Math.round(ms * 100) / 100;
