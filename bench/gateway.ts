import { availableParallelism } from 'node:os';
import { loadedInstance } from './instance-load.ts';
import { loadOn, type Scored } from './load.ts';
import { judged, type Section } from './results.ts';
import { type ServedModels, withServedModels } from './served-models.ts';
import { type Bench, median, Side } from './side.ts';

const CASES = [
  { model: 'mobilenetv2', size: 224 },
  { model: 'mobilenetv2', size: 32 },
  { model: 'resnet18', size: 224 },
];
const GOALS = { throughput: 0.9, addedMs: 3 };
const CLIENTS = 16;
const SECONDS = 4;
const LATENCIES = 100;

/** An endpoint, as clients ask it: a gateway before an instance, beside the same model without either. */
export function gateway(bench: Bench): Promise<Section> {
  return withServedModels(bench, CASES, (models) => gatewayOf(bench, models));
}

interface Figures {
  readonly bare: number;
  readonly instance: number;
  readonly gateway: number;
  /** An instance for each core. */
  readonly several: number;
  readonly bareMs: number;
  readonly instanceMs: number;
  readonly gatewayMs: number;
}

async function gatewayOf(bench: Bench, { files, bodies, folderOf }: ServedModels): Promise<Section> {
  const bare = Side.ours('serving-side.ts');
  const before = Side.ours('gateway-side.ts');
  const beforeSeveral = Side.ours('gateway-side.ts');
  const cores = availableParallelism();
  const rows: string[][] = [];
  for (const one of CASES) {
    const options = { model: folderOf(one), maxConcurrentRequestsPerInstance: 2 * CLIENTS };
    await bare.call('open', { folder: options.model, files });
    const instance = await loadedInstance(options, bodies);
    const behind = loadOn(await before.call<Scored>('open', { options, instances: 1 }), bodies);
    const behindSeveral = loadOn(await beforeSeveral.call<Scored>('open', { options, instances: cores }), bodies);
    const figures: Figures[] = [];
    for (let round = 0; round <= bench.rounds; round++) {
      bench.say(`gateway ${one.model} at ${one.size}, round ${round} of ${bench.rounds}`);
      // Without a server it is as fast as it can be: one image at a time, or several together.
      const alone = await bare.call<number>('throughput', { together: 1, seconds: SECONDS / 2 });
      const together = await bare.call<number>('throughput', { together: 8, seconds: SECONDS / 2 });
      const figure: Figures = {
        bare: Math.max(alone, together),
        gateway: await behind.throughput(CLIENTS, SECONDS),
        several: await behindSeveral.throughput(CLIENTS, SECONDS),
        instance: await instance.throughput(CLIENTS, SECONDS),
        bareMs: median(await bare.call<number[]>('latencies', { count: LATENCIES })),
        gatewayMs: median(await behind.latencies(LATENCIES)),
        instanceMs: median(await instance.latencies(LATENCIES)),
      };
      if (round > 0) figures.push(figure);
    }
    behind.close();
    behindSeveral.close();
    await instance.end();
    const middle = (of: (figure: Figures) => number) => median(figures.map(of));
    const added = middle(({ gatewayMs, bareMs }) => gatewayMs - bareMs);
    const addedText = `${added.toFixed(1)} ms`;
    rows.push([
      `${one.model}, ${one.size} px`,
      middle((figure) => figure.bare).toFixed(0),
      middle((figure) => figure.instance).toFixed(0),
      middle((figure) => figure.gateway).toFixed(0),
      judged(
        middle((figure) => figure.gateway / figure.bare),
        GOALS.throughput,
      ),
      middle((figure) => figure.several).toFixed(0),
      judged(
        middle((figure) => figure.several / figure.bare),
        GOALS.throughput,
      ),
      `${middle((figure) => figure.bareMs).toFixed(1)} ms`,
      `${middle(({ instanceMs, bareMs }) => instanceMs - bareMs).toFixed(1)} ms`,
      added <= GOALS.addedMs ? addedText : `**${addedText}**`,
    ]);
  }
  bare.close();
  before.close();
  beforeSeveral.close();
  return {
    title: 'Endpoints',
    text: `An endpoint of one instance, asked over HTTP through the gateway by ${CLIENTS} clients, one photo of 500 × 375 a request, and one with an instance for each core, beside the same instance asked by itself, and the same model in a loop without a server (images decoded alike, one at a time or eight together, whichever is faster). The clients run on the same cores. Goals: ratio of the endpoint to the bare model ≥ ${GOALS.throughput}; ≤ ${GOALS.addedMs} ms added by gateway and instance at one client.`,
    columns: [
      'model',
      'bare images/s',
      'instance images/s',
      'endpoint images/s',
      'ratio',
      `with ${cores} instances`,
      'ratio',
      'bare latency',
      'added by the instance',
      'added in all',
    ],
    rows,
  };
}
