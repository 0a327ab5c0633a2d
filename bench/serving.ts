import { type LoadedInstance, loadedInstance } from './instance-load.ts';
import { judged, type Section } from './results.ts';
import { type ServedModels, withServedModels } from './served-models.ts';
import { type Bench, median, Side } from './side.ts';

const CASES = [
  { model: 'mobilenetv2', size: 224 },
  { model: 'mobilenetv2', size: 32 },
  { model: 'resnet18', size: 224 },
];
const GOALS = { throughput: 0.9, addedMs: 3, start: 2, batching: 1 };
const CLIENTS = 16;
const SECONDS = 4;
const LATENCIES = 100;

/** An instance of a deployment beside the same model without one. */
export function serving(bench: Bench): Promise<Section> {
  return withServedModels(bench, CASES, (models) => servingOf(bench, models));
}

async function servingOf(bench: Bench, { files, bodies, folderOf }: ServedModels): Promise<Section> {
  const bare = Side.ours('serving-side.ts');
  const rows: string[][] = [];
  for (const { model, size } of CASES) {
    const folder = folderOf({ model, size });
    await bare.call('open', { folder, files });
    const starts: number[] = [];
    const instance = async (options: object): Promise<LoadedInstance> => {
      const opened = await loadedInstance(
        { model: folder, maxConcurrentRequestsPerInstance: 2 * CLIENTS, ...options },
        bodies,
      );
      starts.push(opened.startSeconds);
      return opened;
    };
    const batched = await instance({});
    const single = await instance({ maxBatchImages: 1 });
    const figures: { bare: number; batched: number; single: number; bareMs: number; batchedMs: number }[] = [];
    for (let round = 0; round <= bench.rounds; round++) {
      bench.say(`serving ${model} at ${size}, round ${round} of ${bench.rounds}`);
      // Without a server it is as fast as it can be: one image at a time, or several together.
      const alone = await bare.call<number>('throughput', { together: 1, seconds: SECONDS / 2 });
      const together = await bare.call<number>('throughput', { together: 8, seconds: SECONDS / 2 });
      const figure = {
        bare: Math.max(alone, together),
        batched: await batched.throughput(CLIENTS, SECONDS),
        single: await single.throughput(CLIENTS, SECONDS),
        bareMs: median(await bare.call<number[]>('latencies', { count: LATENCIES })),
        batchedMs: median(await batched.latencies(LATENCIES)),
      };
      if (round > 0) figures.push(figure);
    }
    await Promise.all([batched.end(), single.end()]);
    for (let round = 0; round < bench.rounds; round++) await (await instance({})).end();

    const middle = (of: (figure: (typeof figures)[number]) => number) => median(figures.map(of));
    const added = middle(({ batchedMs, bareMs }) => batchedMs - bareMs);
    const start = median(starts.slice(2));
    rows.push([
      `${model}, ${size} px`,
      middle((figure) => figure.bare).toFixed(0),
      middle((figure) => figure.batched).toFixed(0),
      judged(
        middle((figure) => figure.batched / figure.bare),
        GOALS.throughput,
      ),
      judged(
        middle((figure) => figure.batched / figure.single),
        GOALS.batching,
      ),
      `${middle((figure) => figure.bareMs).toFixed(1)} ms`,
      marked(`${added.toFixed(1)} ms`, added <= GOALS.addedMs),
      marked(`${start.toFixed(2)} s`, start < GOALS.start),
    ]);
  }
  bare.close();
  return {
    title: 'Serving',
    text: `An instance of a deployment, asked over HTTP in Azure's form by ${CLIENTS} clients, one photo of 500 × 375 a request, beside the same model in a loop without a server (images decoded alike, one at a time or eight together, whichever is faster). The clients run on the same cores. Goals: ratio ≥ ${GOALS.throughput}; batching > ${GOALS.batching} for small networks; ≤ ${GOALS.addedMs} ms added at one client; cold start of the process < ${GOALS.start} s.`,
    columns: [
      'model',
      'bare images/s',
      'instance images/s',
      'ratio',
      'batches / one by one',
      'bare latency',
      'added',
      'cold start',
    ],
    rows,
  };
}

const marked = (text: string, isFine: boolean) => (isFine ? text : `**${text}**`);
