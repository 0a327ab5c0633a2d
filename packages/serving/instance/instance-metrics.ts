import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What an instance counts, for Prometheus. */
export interface InstanceMetrics {
  /** An answer was sent. */
  answered(route: string, status: number, seconds: number): void;
  /** A request was let in after so long. */
  queued(seconds: number): void;
  /** A batch went through the network. */
  batch(images: number, seconds: number): void;
  /** An image was decoded and prepared. */
  read(seconds: number): void;
  /** The text that Prometheus reads, and its type. */
  text(): Promise<{ type: string; body: string }>;
}

/** What is asked for when Prometheus comes. */
export interface InstanceGauges {
  active(): number;
  waiting(): number;
  imagesWaiting(): number;
  heldBytes(): number;
  ready(): boolean;
}

const LATENCIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180];

export function instanceMetrics(gauges: InstanceGauges): InstanceMetrics {
  const registers = [new Registry()];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('fovea_instance_ready', '1 while requests are taken', () => Number(gauges.ready()));
  gauge('fovea_requests_active', 'Requests that are worked on', gauges.active);
  gauge('fovea_requests_waiting', 'Requests that wait to be worked on', gauges.waiting);
  gauge('fovea_images_waiting', 'Images that wait for a thread or the network', gauges.imagesWaiting);
  gauge('fovea_request_bytes_held', 'Bytes of requests in memory', gauges.heldBytes);
  const requests = new Counter({
    name: 'fovea_requests_total',
    help: 'Requests that were answered',
    labelNames: ['route', 'status'] as const,
    registers,
  });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const latency = histogram(
    'fovea_score_seconds',
    'From the head of a request to score to the end of its answer',
    LATENCIES,
  );
  const queue = histogram('fovea_queue_seconds', 'Waiting of requests to be worked on', LATENCIES);
  const reading = histogram('fovea_read_seconds', 'Decoding and preparing of an image', LATENCIES);
  const network = histogram('fovea_network_seconds', 'A batch in the network', LATENCIES);
  const sizes = histogram('fovea_batch_images', 'Images that went through the network together', [1, 2, 4, 8, 16, 32]);
  return {
    answered(route, status, seconds) {
      requests.inc({ route, status: String(status) });
      if (route === '/score') latency.observe(seconds);
    },
    queued: (seconds) => queue.observe(seconds),
    batch(images, seconds) {
      sizes.observe(images);
      network.observe(seconds);
    },
    read: (seconds) => reading.observe(seconds),
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
