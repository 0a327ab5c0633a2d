import { grad, type Tensor, tensor, tidy } from '@fovea/torch';
import type { Check } from '@fovea/vision/figures';
import { z } from 'zod';
import { gradCam, guidedBackprop, guidedGradCam } from '../explain/guided.ts';
import { integratedGradients } from '../explain/integrated-gradients.ts';
import { type IntegrationRule, integrationNodes } from '../explain/integration-nodes.ts';
import { atOnce } from '../explain/steps.ts';
import { compare } from './compare.ts';
import type { Kind } from './kinds.ts';
import { type Figures, figures, readCases } from './read-cases.ts';
import { networkFigures, RecordedNetwork } from './recorded-network.ts';

/** Of maps: relative to the largest value. Of logits and sums: absolute. */
const TOLERANCE = 1e-9;
const STEPS = 50;

const oneCase = z.object({
  id: z.string(),
  weights: networkFigures,
  input: z.array(z.array(z.array(z.number()))),
  logits: z.array(z.number()),
  probe: z.object({ conv1_bn_first_row: z.array(z.array(z.number())), conv2_mean: z.array(z.number()) }),
  targets: z.array(z.record(z.string(), figures).and(z.object({ target: z.number() }))).min(1),
});

/** Integrated gradients, guided backpropagation and Grad-CAM of a small network. */
export const attribution: Kind = {
  format: 'attribution-cases-1',
  *check(file) {
    for (const { id, weights, input, logits, probe, targets } of readCases(file, oneCase)) {
      const network = new RecordedNetwork(weights);
      const image = tensor([input], { dtype: 'float64' });
      const passed = tidy(() => {
        const first = network.bn.forward(network.conv1.forward(image));
        const columns = probe.conv1_bn_first_row[0].length;
        return {
          logits: network.forward(image).squeeze(0).toArray(),
          conv1_bn_first_row: first.slice(3, 0, columns).select(2, 0).squeeze(0).toArray(),
          conv2_mean: network.conv2.forward(first.relu()).mean([2, 3]).squeeze(0).toArray(),
        };
      });
      yield compare(`${id} network`, { logits, ...probe }, passed as unknown as Figures, TOLERANCE);
      for (const { target, ...maps } of targets) {
        for (const [name, expected] of Object.entries(maps)) {
          const found = tidy(() => mapOf(name, network, image, target).toArray()) as unknown as Figures;
          yield* compareMap(`${id} class ${target} ${name}`, expected, found, () =>
            tidy(() => scoreGained(name, network, image, target)),
          );
        }
      }
      for (const value of network.stateDict().values()) value.dispose();
      image.dispose();
    }
  },
};

/** `[C, H, W]` or `[H, W]` */
function mapOf(name: string, network: RecordedNetwork, image: Tensor, target: number): Tensor {
  const forward = (x: Tensor) => network.forward(x);
  const integrated = readIntegrated(name);
  if (integrated) {
    const { rule, baseline, steps } = integrated;
    const nodes = integrationNodes(rule, steps);
    return atOnce(integratedGradients(forward, image, { targets: [target], baseline, nodes })).squeeze(0);
  }
  const guided = /^guided_gradcam_(.+)_(nearest|bilinear)$/.exec(name);
  if (guided) {
    const [, layer, interpolation] = guided as unknown as [string, string, 'nearest' | 'bilinear'];
    return guidedGradCam(forward, image, target, { layer: network.layer(layer), interpolation });
  }
  const cam = /^gradcam_(.+?)(_no_relu)?$/.exec(name);
  if (cam) {
    const map = gradCam(forward, image, target, network.layer(cam[1])).squeeze();
    return cam[2] ? map : map.relu();
  }
  if (name === 'guided_backprop') return guidedBackprop(forward, image, target);
  if (name !== 'gradient') throw new Error(`${name} is not a map that is known here`);
  const x = image.detach();
  x.requiresGrad = true;
  return (grad(network.forward(x).select(1, target).sum(), [x])[0] as Tensor).squeeze(0);
}

function readIntegrated(name: string): { rule: IntegrationRule; baseline: number; steps: number } | null {
  const found = /^integrated_gradients_(.+)_(zeros|half)(?:_(\d+)_steps)?$/.exec(name);
  if (!found) return null;
  const [, rule, baseline, steps] = found;
  return { rule: rule as IntegrationRule, baseline: baseline === 'half' ? 0.5 : 0, steps: Number(steps ?? STEPS) };
}

/** F(x) − F(baseline). */
function scoreGained(name: string, network: RecordedNetwork, image: Tensor, target: number): number {
  const score = (x: Tensor) => network.forward(x).select(1, target).item();
  return score(image) - score(image.mul(0).add(readIntegrated(name)?.baseline ?? 0));
}

/** A recorded map is its values, or an object of them or of their sums over channels, and what they add up to. */
function* compareMap(name: string, expected: Figures, found: Figures, gained: () => number): Iterable<Check> {
  if (Array.isArray(expected)) {
    yield relative(name, expected, found);
    return;
  }
  const { values, channel_sum_map, sum, delta } = expected as { readonly [name: string]: Figures };
  if (values !== undefined) yield relative(name, values, found);
  if (channel_sum_map !== undefined) yield relative(name, channel_sum_map, channelSums(found as number[][][]));
  if (sum === undefined) return;
  const total = (found as number[][][]).flat(2).reduce((a, b) => a + b);
  yield compare(`${name} sum`, { sum, delta }, { sum: total, delta: total - gained() }, TOLERANCE);
}

function relative(name: string, expected: Figures, found: Figures): Check {
  const all = flat(expected).map(Math.abs);
  return compare(name, expected, found, TOLERANCE * all.reduce((a, b) => Math.max(a, b), 0));
}

const flat = (values: Figures): number[] => (Array.isArray(values) ? values.flatMap(flat) : [values as number]);

function channelSums(map: readonly number[][][]): number[][] {
  return map[0].map((row, y) => row.map((_, x) => map.reduce((sum, channel) => sum + channel[y][x], 0)));
}
