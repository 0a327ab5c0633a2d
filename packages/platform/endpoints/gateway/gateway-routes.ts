import { STATUS_CODES } from 'node:http';
import { RequestError } from '@fovea/serving/instance';
import { askDeployment } from './ask-deployment.ts';
import { askInstance } from './ask-instance.ts';
import { authorise, bearerToken, isLocal } from './authorise.ts';
import { chooseDeployment } from './choose-deployment.ts';
import { describedEndpoint } from './described-endpoint.ts';
import type { GatewayParts } from './gateway.ts';
import type { GatewayAnswer } from './gateway-answer.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { Exchange } from './gateway-server.ts';
import { type MetricsText, mergeMetrics } from './merge-metrics.ts';
import { requestTarget } from './request-target.ts';
import { type ScoringParts, scoreRequest } from './score-request.ts';
import type { InstanceLease, ServedEndpoint } from './served.ts';

export interface RoutesParts extends Pick<GatewayParts, 'served' | 'verifyToken' | 'verifyEndpointToken'> {
  readonly scoring: ScoringParts;
  readonly metrics: GatewayMetrics;
  /** Of the gateway. */
  readonly url: () => string;
}

/** What an instance may take to describe itself, or to tell its metrics. */
const ASIDE_MS = 2000;

/** What is answered to a request, by its address and method. The function throws RequestError. */
export function gatewayRoutes(parts: RoutesParts): (exchange: Exchange) => Promise<GatewayAnswer> {
  return async (exchange) => {
    const { request, response, seen } = exchange;
    const target = requestTarget(request.url ?? '/', request.headers.host);
    if (target === null)
      throw new RequestError(404, 'NotFound', 'there is nothing here; scoring is POST /<endpoint>/score');
    if (target.kind === 'health') return text(exchange, 'ok');
    if (target.kind === 'metrics') return metricsOf(parts, exchange);
    const endpoint = endpointOf(parts, target.endpoint);
    seen.endpoint = endpoint.name;
    seen.isScore = target.kind === 'score';
    await authorise(request, endpoint, parts);
    switch (target.kind) {
      case 'score':
        requireMethod(exchange, 'POST');
        return scoreRequest(parts.scoring, {
          ...{ request, response, endpoint, id: exchange.id, client: exchange.client, wantBody: exchange.wantBody },
          latest: () => parts.served().endpoints.get(endpoint.name),
          note: (details) => Object.assign(seen, details),
        });
      case 'swagger':
        return swaggerOf(parts, exchange, endpoint, target.query);
      case 'state':
        return stateOf(parts, exchange, endpoint);
    }
  };
}

function endpointOf({ served }: RoutesParts, name: string): ServedEndpoint {
  const { endpoints } = served();
  const found = endpoints.get(name);
  if (found) return found;
  // Names of hosts have no capitals.
  const lower = name.toLowerCase();
  for (const endpoint of endpoints.values()) if (endpoint.name.toLowerCase() === lower) return endpoint;
  throw new RequestError(
    404,
    'EndpointNotFound',
    `there is no endpoint ${name} here; fovea online-endpoint list shows them`,
  );
}

function requireMethod({ request }: Exchange, wanted: 'GET' | 'POST'): void {
  const { method } = request;
  if (method === wanted || (wanted === 'GET' && method === 'HEAD')) return;
  const headers = { allow: wanted === 'GET' ? 'GET, HEAD' : wanted };
  throw new RequestError(405, 'MethodNotAllowed', `this takes ${wanted}`, { headers });
}

function text(exchange: Exchange, body: string): GatewayAnswer {
  requireMethod(exchange, 'GET');
  return { status: 200, type: 'text/plain; charset=utf-8', body };
}

/** Whether requests that name no deployment would be answered now. */
function stateOf(parts: RoutesParts, exchange: Exchange, endpoint: ServedEndpoint): GatewayAnswer {
  requireMethod(exchange, 'GET');
  for (const { deployment: name } of endpoint.traffic) {
    const isReady = endpoint.deployments
      .get(name)
      ?.instances()
      .some((instance) => instance.isReady);
    if (isReady) return text(exchange, 'Healthy');
  }
  const { name } = chooseDeployment(endpoint, undefined, parts.scoring.random);
  throw new RequestError(503, 'ServiceUnavailable', `no instance of ${name} is ready`, { retryAfter: 1 });
}

async function swaggerOf(
  parts: RoutesParts,
  exchange: Exchange,
  endpoint: ServedEndpoint,
  query: string,
): Promise<GatewayAnswer> {
  requireMethod(exchange, 'GET');
  const { asker, random } = parts.scoring;
  const { request, seen } = exchange;
  const deployment = chooseDeployment(
    endpoint,
    request.headers['azureml-model-deployment'] as string | undefined,
    random,
  );
  seen.deployment = deployment.name;
  const version = new URLSearchParams(query).get('version');
  if (version !== null && version !== '2' && version !== '3')
    throw new RequestError(400, 'BadRequest', 'version should be 2 or 3', { target: 'version' });
  const path = version === null ? '/swagger.json' : `/swagger.json?version=${version}`;
  const question = { method: 'GET', path, headers: { 'x-request-id': exchange.id }, body: null } as const;
  const signal = AbortSignal.timeout(ASIDE_MS);
  const answer = await askDeployment(asker, endpoint.name, deployment, question, signal).catch((error) => {
    if (error instanceof RequestError) throw error;
    throw new RequestError(503, 'ServiceUnavailable', 'the instance does not describe itself', { retryAfter: 1 });
  });
  const { status, type, body } = answer;
  if (status !== 200 || !Buffer.isBuffer(body))
    throw new RequestError(503, 'ServiceUnavailable', `the instance answered ${STATUS_CODES[status] ?? status}`, {
      retryAfter: 1,
    });
  return { status, type, body: describedEndpoint(body, endpoint.name, `${parts.url()}/${endpoint.name}`) };
}

const LOCAL_HOST = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** To programs of this machine, and to who has a token: names of endpoints are nobody else's business. */
async function metricsOf(parts: RoutesParts, exchange: Exchange): Promise<GatewayAnswer> {
  requireMethod(exchange, 'GET');
  const { request } = exchange;
  const token = bearerToken(request);
  // A page in a browser of this machine asks by the name of its own site.
  const isOwn = isLocal(request) && LOCAL_HOST.test(request.headers.host ?? '');
  if (!isOwn && (token === null || !(await parts.verifyToken(token)))) {
    const message =
      'metrics are for programs of this machine, or with a token of the workspace: Authorization: Bearer fovea.…';
    throw new RequestError(401, 'Unauthorized', message, { headers: { 'www-authenticate': 'Bearer' } });
  }
  const instances = await Promise.all(instanceMetrics(parts));
  const own = { text: await parts.metrics.text(), labels: {} };
  const all = [own, ...instances.filter((one) => one !== null)];
  return { status: 200, type: parts.metrics.contentType, body: mergeMetrics(all) };
}

/** What each ready instance counts; null: it did not say. */
function instanceMetrics({ served, scoring }: RoutesParts): Promise<MetricsText | null>[] {
  const asked: Promise<MetricsText | null>[] = [];
  const question = { method: 'GET', path: '/metrics', headers: {}, body: null } as const;
  for (const endpoint of served().endpoints.values()) {
    for (const deployment of endpoint.deployments.values()) {
      for (const { number, socket, isReady } of deployment.instances()) {
        if (socket === null || !isReady) continue;
        const labels = { endpoint: endpoint.name, deployment: deployment.name, instance: String(number) };
        // No lease: it is not busy with this.
        const lease: InstanceLease = { id: '', socket, release() {} };
        asked.push(
          askInstance(scoring.asker.agent, lease, question, AbortSignal.timeout(ASIDE_MS)).then(
            ({ status, body }) => (status === 200 && Buffer.isBuffer(body) ? { text: body.toString(), labels } : null),
            () => null,
          ),
        );
      }
    }
  }
  return asked;
}
