import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServedEndpoints } from './served.ts';

/** What a gateway counts, for Prometheus. An endpoint that is unknown, or a deployment, is ''. */
export interface GatewayMetrics {
  /** An answer was sent, or nobody was there any more to have it (499). @param isScore whether its time counts */
  answered(endpoint: string, deployment: string, status: number, seconds: number, isScore: boolean): void;
  /** An instance was lost, and another one asked. */
  retried(endpoint: string, deployment: string): void;
  /** @param outcome the status that a mirrored request had, or why it had none */
  mirrored(endpoint: string, deployment: string, outcome: string): void;
  collected(endpoint: string, deployment: string, outcome: 'kept' | 'dropped'): void;
  readonly contentType: string;
  /** The text that Prometheus reads. */
  text(): Promise<string>;
}

export interface GatewayGauges {
  served(): ServedEndpoints;
  active(): number;
  connections(): Promise<number>;
  heldBytes(): number;
}

const LATENCIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180];
const WHO = ['endpoint', 'deployment'] as const;

export function gatewayMetrics(gauges: GatewayGauges): GatewayMetrics {
  const registers = [new Registry()];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  gauge('fovea_gateway_requests_active', 'Requests that are not answered yet', gauges.active);
  gauge('fovea_gateway_connections', 'Connections of clients', gauges.connections);
  gauge('fovea_gateway_request_bytes_held', 'Bytes of requests in memory', gauges.heldBytes);
  new Gauge({
    name: 'fovea_gateway_instances',
    help: 'Instances of deployments, by whether they are ready',
    labelNames: [...WHO, 'ready'] as const,
    registers,
    collect() {
      this.reset();
      for (const [endpoint, deployment] of deployments()) {
        const all = deployment.instances();
        const ready = all.filter(({ isReady }) => isReady).length;
        this.set({ endpoint, deployment: deployment.name, ready: 'true' }, ready);
        this.set({ endpoint, deployment: deployment.name, ready: 'false' }, all.length - ready);
      }
    },
  });
  new Counter({
    name: 'fovea_gateway_instance_restarts_total',
    help: 'Instances that were started again after they had ended',
    labelNames: WHO,
    registers,
    collect() {
      this.reset();
      for (const [endpoint, deployment] of deployments())
        this.inc({ endpoint, deployment: deployment.name }, deployment.restarts());
    },
  });
  const deployments = () =>
    [...gauges.served().endpoints.values()].flatMap(({ name, deployments: all }) =>
      [...all.values()].map((deployment) => [name, deployment] as const),
    );
  const counter = <Name extends string>(name: string, help: string, ...labels: Name[]) =>
    new Counter({ name, help, labelNames: [...WHO, ...labels], registers });
  const requests = counter('fovea_gateway_requests_total', 'Requests that were answered', 'status');
  const retries = counter('fovea_gateway_retried_total', 'Requests that were asked of another instance');
  const mirrored = counter('fovea_gateway_mirrored_total', 'Copies of requests to mirrors', 'outcome');
  const collected = counter('fovea_gateway_collected_total', 'Requests and answers for the data collector', 'outcome');
  const latency = new Histogram({
    name: 'fovea_gateway_score_seconds',
    help: 'From the head of a request to score to the end of its answer',
    labelNames: WHO,
    buckets: LATENCIES,
    registers,
  });
  /** What is deleted is told of no more: names that come and go would stay for as long as the process. */
  const forget = async () => {
    const { endpoints } = gauges.served();
    const isGone = ({ endpoint = '', deployment = '' }: Partial<Record<string, string | number>>): boolean => {
      const known = endpoints.get(String(endpoint));
      return known === undefined ? endpoint !== '' : deployment !== '' && !known.deployments.has(String(deployment));
    };
    const forgetIn = async <Name extends string>(metric: Counter<Name>) => {
      for (const { labels } of (await metric.get()).values) if (isGone(labels)) metric.remove(labels);
    };
    await Promise.all([forgetIn(requests), forgetIn(retries), forgetIn(mirrored), forgetIn(collected)]);
    for (const { labels, metricName } of (await latency.get()).values) {
      const { endpoint = '', deployment = '' } = labels;
      if (metricName?.endsWith('_count') && isGone(labels)) latency.remove({ endpoint, deployment });
    }
  };
  return {
    answered(endpoint, deployment, status, seconds, isScore) {
      requests.inc({ endpoint, deployment, status });
      if (isScore) latency.observe({ endpoint, deployment }, seconds);
    },
    retried: (endpoint, deployment) => retries.inc({ endpoint, deployment }),
    mirrored: (endpoint, deployment, outcome) => mirrored.inc({ endpoint, deployment, outcome }),
    collected: (endpoint, deployment, outcome) => collected.inc({ endpoint, deployment, outcome }),
    contentType: registry.contentType,
    async text() {
      await forget();
      return registry.metrics();
    },
  };
}
