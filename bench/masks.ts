import { maskPolygons } from '@fovea/data/masks';
import { pasteMasks } from '@fovea/vision/transforms';
import { judged, type Section } from './results.ts';
import type { Bench } from './side.ts';

const GOAL = 60;
const IMAGE = { width: 1333, height: 800 };
const INSTANCES = 100;
const SIDE = 28;
const MOST_POINTS = 100;
/** Sides of boxes in pixels: what a photo of a crowd has, and things that fill much of it. */
const SETS = [
  { name: 'boxes of 20 … 120 pixels', from: 20, to: 120 },
  { name: 'boxes of 50 … 400 pixels', from: 50, to: 400 },
];

/** From a network's masks to the polygons of an answer, on one thread. */
export async function masks(bench: Bench): Promise<Section> {
  const rows = SETS.map(({ name, from, to }) => {
    bench.say(`masks: ${name}`);
    const found = instances(from, to);
    const once = (): { pasting: number; tracing: number; points: number } => {
      const begun = performance.now();
      const pasted = pasteMasks(found, IMAGE);
      const between = performance.now();
      const polygons = pasted.flatMap((mask) => maskPolygons(mask, { mostPoints: MOST_POINTS }));
      const points = polygons.reduce((sum, polygon) => sum + polygon.length / 2, 0);
      return { pasting: between - begun, tracing: performance.now() - between, points };
    };
    once();
    const rounds = Array.from({ length: Math.max(5, bench.rounds) }, once);
    const median = (of: (round: ReturnType<typeof once>) => number): number =>
      rounds.map(of).sort((a, b) => a - b)[Math.floor(rounds.length / 2)];
    const all = median(({ pasting, tracing }) => pasting + tracing);
    return [
      name,
      `${median(({ pasting }) => pasting).toFixed(1)} ms`,
      `${median(({ tracing }) => tracing).toFixed(1)} ms`,
      `${all.toFixed(1)} ms`,
      `< ${GOAL} ms`,
      judged(GOAL / all, 1),
      String(rounds[0].points),
    ];
  });
  return {
    title: 'Masks',
    text: [
      `${INSTANCES} instances on an image of ${IMAGE.width} × ${IMAGE.height}: masks of ${SIDE} × ${SIDE} pasted into their boxes and cut at`,
      `0.5 (run lengths), then traced as polygons of at most ${MOST_POINTS} points. One thread; the network is not counted. Medians.`,
    ].join('\n'),
    columns: ['instances', 'pasting', 'tracing', 'both', 'goal', 'goal ÷ time', 'points'],
    rows,
  };
}

/** Masks with a wavy edge, each other one with a hole, in boxes all over the image; the same every time. */
function instances(from: number, to: number): { masks: Float32Array; boxes: Float32Array; side: number } {
  const cells = new Float32Array(INSTANCES * SIDE * SIDE);
  const boxes = new Float32Array(4 * INSTANCES);
  // Shares that spread evenly (multiples of the golden section).
  const spread = (k: number, by: number): number => (k * by) % 1;
  for (let k = 0; k < INSTANCES; k++) {
    const width = from + (to - from) * spread(k + 1, 0.618034);
    const height = from + (to - from) * spread(k + 1, 0.754878);
    const left = (IMAGE.width - width) * spread(k + 1, 0.56984);
    const top = (IMAGE.height - height) * spread(k + 1, 0.819173);
    boxes.set([left, top, left + width, top + height], 4 * k);
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [dx, dy] = [(x + 0.5) / SIDE - 0.5, (y + 0.5) / SIDE - 0.5];
        const distance = Math.hypot(dx, dy);
        const edge = 0.4 + 0.07 * Math.sin((3 + (k % 5)) * Math.atan2(dy, dx));
        const inside = Math.min(edge - distance, k % 2 === 0 ? 1 : distance - 0.12);
        cells[k * SIDE * SIDE + y * SIDE + x] = 1 / (1 + Math.exp(-40 * inside));
      }
    }
  }
  return { masks: cells, boxes, side: SIDE };
}
