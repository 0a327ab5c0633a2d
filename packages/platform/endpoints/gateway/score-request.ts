import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HeldBytes, RequestError, untilAnswered } from '@fovea/serving/instance';
import { answerStatus } from './answer-status.ts';
import { askDeployment, type DeploymentAnswer, type DeploymentAsker } from './ask-deployment.ts';
import type { Question } from './ask-instance.ts';
import { chooseDeployment } from './choose-deployment.ts';
import type { DataCollector } from './data-collector.ts';
import type { GatewayAnswer } from './gateway-answer.ts';
import { readBody } from './held-body.ts';
import type { Mirror } from './mirror.ts';
import type { ServedDeployment, ServedEndpoint } from './served.ts';

export interface ScoringParts {
  readonly asker: DeploymentAsker;
  readonly held: HeldBytes;
  readonly mirror: Mirror;
  readonly collector: DataCollector;
  readonly random: () => number;
}

/** A request to score that may be answered. */
export interface ScoringRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly endpoint: ServedEndpoint;
  /** The endpoint as it is when that is asked; undefined when it is gone. */
  readonly latest: () => ServedEndpoint | undefined;
  readonly id: string;
  /** The client's own name of it. */
  readonly client: string | null;
  /** Is told what is known of the request, for logs, as soon as it is. */
  readonly note: (details: { deployment?: string; instance?: string; bytes?: number; tries?: number }) => void;
  /** Tells the client that its body is wanted, where it asks first. */
  readonly wantBody: () => void;
}

/**
 * Sends a request to the deployment that is drawn, and a copy to the mirror.
 * @throws RequestError
 */
export async function scoreRequest(parts: ScoringParts, asked: ScoringRequest): Promise<GatewayAnswer> {
  const { request, response, endpoint, id, note } = asked;
  const named = request.headers['azureml-model-deployment'] as string | undefined;
  let deployment = chooseDeployment(endpoint, named, parts.random);
  note({ deployment: deployment.name });
  const headers = headersFor(asked);
  const mirrored = named === undefined ? parts.mirror.drawn(endpoint) : null;
  asked.wantBody();
  const body = await readBody(request, deployment.maxRequestBytes, parts.held);
  note({ bytes: body.length });
  const question: Question = {
    ...{ method: 'POST', path: '/score', body },
    headers: { ...headers, 'content-length': String(body.length) },
  };
  let answered: DeploymentAnswer | null = null;
  // When the client has its answer: nobody waits for what is kept or copied.
  const done = () => {
    if (answered) collect(deployment, answered);
    if (mirrored) parts.mirror.send(endpoint.name, mirrored, question, body, (answer) => collect(mirrored, answer));
    else body.release();
  };
  const collect = (answerer: ServedDeployment, answer: DeploymentAnswer) => {
    const spec = answerer.collector;
    if (spec === null || parts.random() >= spec.sampling_rate) return;
    const isJson = answer.status === 200 && isJsonType(request.headers['content-type']);
    parts.collector.collect(
      {
        ...{ endpoint: endpoint.name, deployment: answerer.name, requestId: id },
        request: { parts: body.parts, type: request.headers['content-type'], isJson },
        response: Buffer.isBuffer(answer.body)
          ? { parts: [answer.body], type: answer.type, isJson: isJsonType(answer.type) }
          : null,
      },
      spec,
    );
  };
  if (response.closed) done();
  else response.once('close', done);
  const latest = asked.latest();
  if (named === undefined && latest && !latest.deployments.has(deployment.name)) {
    // Its deployment has lost its traffic and gone while the body came.
    deployment = chooseDeployment(latest, undefined, parts.random);
    note({ deployment: deployment.name });
  }
  const { signal, stop } = untilAnswered(response, deployment.requestTimeoutMs);
  const answer = await askDeployment(parts.asker, endpoint.name, deployment, question, signal).catch((error) => {
    stop();
    throw error;
  });
  // An answer that is sent on as it comes has its time until its end.
  if (Buffer.isBuffer(answer.body)) stop();
  else response.once('close', stop);
  note({ instance: answer.instance, tries: answer.tries });
  answered = answer;
  const { status, headers: told } = answerStatus(answer);
  return {
    status,
    type: answer.type,
    headers: answer.retryAfter === undefined ? told : { ...told, 'retry-after': answer.retryAfter },
    body: answer.body,
  };
}

/** For an instance: of the client's headers those that say what the body is, and none that say who it is. */
function headersFor({ request, id, client }: ScoringRequest): Record<string, string> {
  const headers: Record<string, string> = { 'x-request-id': id };
  if (client !== null) headers['x-ms-client-request-id'] = client;
  for (const name of ['content-type', 'content-encoding'] as const) {
    const value = request.headers[name];
    if (value === undefined) continue;
    if (!/^[\x20-\x7e]{1,1000}$/.test(value)) throw new RequestError(400, 'BadRequest', `${name} is not readable`);
    headers[name] = value;
  }
  return headers;
}

const isJsonType = (type: string | undefined): boolean =>
  /^application\/([^;]+\+)?json\s*(;|$)/i.test((type ?? 'application/json').trim());
