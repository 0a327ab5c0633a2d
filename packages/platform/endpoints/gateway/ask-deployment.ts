import type { Agent } from 'node:http';
import type { Logger } from 'pino';
import { askInstance, type InstanceAnswer, InstanceLost, type Question } from './ask-instance.ts';
import { notReady } from './choose-deployment.ts';
import type { InstanceLease, ServedDeployment } from './served.ts';

/** Scoring changes nothing, so that what one instance did not answer may be asked of another; but what ends two will end more. */
const MOST_TRIES = 2;

export interface DeploymentAsker {
  readonly agent: Agent;
  readonly log: Logger;
  /** An instance was lost, and another one is asked. */
  retried(endpoint: string, deployment: string): void;
}

/** An answer, and who gave it. */
export interface DeploymentAnswer extends InstanceAnswer {
  /** `InstanceLease.id` */
  readonly instance: string;
  readonly tries: number;
}

/**
 * Asks a deployment's least busy instance; another one when that is gone before it has answered.
 *
 * @throws RequestError (503) when no instance is ready, or those that were asked are gone; the reason of `signal`
 */
export async function askDeployment(
  { agent, log, retried }: DeploymentAsker,
  endpoint: string,
  deployment: ServedDeployment,
  question: Question,
  signal: AbortSignal,
): Promise<DeploymentAnswer> {
  const lost = new Set<InstanceLease['id']>();
  /** Lost over a connection that it may have closed because nobody used it. */
  let maybeWell = false;
  for (let tries = 1; ; tries++) {
    const lease = deployment.take(lost) ?? (maybeWell ? deployment.take() : null);
    if (lease === null) throw notReady(endpoint, deployment.name);
    try {
      return { ...(await askInstance(agent, lease, question, signal)), instance: lease.id, tries };
    } catch (error) {
      if (!(error instanceof InstanceLost)) throw error;
      const { message, wasReused } = error;
      log.warn({ endpoint, deployment: deployment.name, instance: lease.id, problem: message }, 'an instance is lost');
      if (tries === MOST_TRIES) throw notReady(endpoint, deployment.name);
      retried(endpoint, deployment.name);
      lost.add(lease.id);
      maybeWell = wasReused;
    }
  }
}
