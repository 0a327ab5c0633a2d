import { RequestError } from '@fovea/serving/instance';
import { askDeployment, type DeploymentAnswer, type DeploymentAsker } from './ask-deployment.ts';
import type { Question } from './ask-instance.ts';
import type { HeldBody } from './held-body.ts';
import type { ServedDeployment, ServedEndpoint } from './served.ts';

export interface MirrorParts {
  readonly asker: DeploymentAsker;
  readonly random: () => number;
  /** Copies on their way at once; more are dropped. */
  readonly most: number;
  counted(endpoint: string, deployment: string, outcome: string): void;
}

/** Copies requests to a deployment whose answers nobody gets. A copy is sent when its request has been answered: it delays nothing. */
export class Mirror {
  readonly #parts: MirrorParts;
  #active = 0;
  readonly #ending = new AbortController();

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  /** The deployment that gets a copy of a request that names none, by the rule of mirroring; null: none. */
  drawn({ mirror, deployments }: ServedEndpoint): ServedDeployment | null {
    if (mirror === null || 100 * this.#parts.random() >= mirror.percent) return null;
    return deployments.get(mirror.deployment) ?? null;
  }

  /**
   * Sends a copy, and releases the body when that is answered. The answer is dropped.
   * @param seen is given the answer before
   */
  async send(
    endpoint: string,
    deployment: ServedDeployment,
    question: Question,
    body: HeldBody,
    seen: (answer: DeploymentAnswer) => void,
  ): Promise<void> {
    const { asker, most, counted } = this.#parts;
    if (this.#ending.signal.aborted || this.#active >= most || body.length > deployment.maxRequestBytes) {
      body.release();
      counted(endpoint, deployment.name, 'dropped');
      return;
    }
    this.#active++;
    let outcome: string;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(deployment.requestTimeoutMs), this.#ending.signal]);
      const answer = await askDeployment(asker, endpoint, deployment, question, signal);
      seen(answer);
      if (!Buffer.isBuffer(answer.body)) answer.body.on('error', () => {}).resume();
      outcome = String(answer.status);
    } catch (error) {
      outcome = error instanceof RequestError ? String(error.status) : '408';
    }
    body.release();
    counted(endpoint, deployment.name, outcome);
    this.#active--;
  }

  /** Sends no more, and gives up those on their way. */
  close(): void {
    this.#ending.abort();
  }
}
