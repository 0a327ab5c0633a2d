import { createRng } from '@fovea/data';
import { logExpectedImprovement } from './expected-improvement.ts';
import { type GaussianProcess, gaussianProcess, type Input, learnKernel } from './gaussian-process.ts';
import { bestReport } from './reported.ts';
import { sobolDecision } from './sample-sobol.ts';
import type { TriedTrial } from './search-state.ts';
import type { Assignment, Space } from './space.ts';
import { type Decision, type RandomSource, type Shares, type Site, type SpaceTree, treeOf } from './space-tree.ts';

/** What a trial drew and reached. */
export interface Experience {
  readonly assignment: Assignment;
  /** Its metric, of which more is better; null where there is none, or none yet. */
  readonly value: number | null;
  readonly isRunning: boolean;
}

export interface BayesianDraw {
  readonly assignment: Assignment;
  /** How the draw came about: by an even cover of the space, before there is enough to learn from, or by what was learned. */
  readonly from: 'cover' | 'model';
  /** What the trial is believed to reach, and by how much it may well be otherwise; of `model`. */
  readonly expected?: { readonly value: number; readonly deviation: number };
}

/** Trials that cover a space of any size well enough to learn from. */
const COVERING = 10;

/** Beliefs rest on so many trials at most, and their length scales are learned from fewer: both cost the cube of the number. */
const MOST_TRIALS = 80;
const MOST_LEARNED_FROM = 50;

/** Candidates: all over the space, and around the best trials; then each of the most promising is improved step by step. */
const ALL_OVER = 300;
const BEST_TRIALS = 10;
const AROUND_EACH = 20;
const IMPROVED = 4;
const IMPROVEMENTS = 60;

/**
 * A trial that promises more than the ones before: Bayesian optimisation. A Gaussian process says what to believe of trials that were
 * not made, and the one of the largest expected improvement over the best is taken. What a trial did not draw, because it belongs to
 * another sub-space, counts as the middle of what could be drawn; equal parameters of different sub-spaces learn from each other. Trials
 * that are running count as what is believed of them, so that trials at the same time are different ones.
 *
 * @param experiences of trials in the order of their numbers; those that are not of this space are passed over
 * @param number of the trial that is chosen, from 0
 * @param covering so many trials cover the space evenly first
 * @throws RangeError for an empty space or an empty choice
 */
export function sampleBayesian(
  space: Space,
  experiences: readonly Experience[],
  { number, seed, covering = COVERING }: { number: number; seed: number; covering?: number },
): BayesianDraw {
  const tree = treeOf(space);
  const known = experiences.flatMap(({ assignment, value, isRunning }): Tried[] => {
    const shares = tree.sharesOf(assignment);
    const number = value !== null && Number.isFinite(value) ? value : null;
    return shares ? [{ shares, point: pointOf(shares), value: number, isRunning }] : [];
  });
  const judged = known.filter(({ value, isRunning }) => value !== null && !isRunning);
  if (tree.sites.length === 0 || known.length < covering || judged.length < 2) {
    return { assignment: tree.draw(sobolDecision(tree, number, seed)).assignment, from: 'cover' };
  }
  const random = createRng(createRng(seed).int(2 ** 32) + number).uniform;
  const { process, judged: ended, mean, deviation } = learned(tree, known);
  const best = Math.min(...ended.map(({ cost }) => cost));
  const { assignment, shares } = new Search(tree, process, { best, tried: known, random }).mostPromising(ended);
  const belief = process.at(pointOf(shares));
  const expected = { value: mean - deviation * belief.mean, deviation: deviation * belief.deviation };
  return { assignment, from: 'model', expected };
}

/**
 * What trials teach: of one that was stopped or canceled the best it had reached; nothing of one that was canceled before it reported.
 */
export function experiencesOf(trials: readonly TriedTrial[]): Experience[] {
  return trials
    .map((trial) => ({ ...trial, value: bestReport(trial) }))
    .filter(({ status, value }) => status !== 'canceled' || value !== null)
    .toSorted((a, b) => a.number - b.number)
    .map(({ draw: assignment, value, status }) => ({ assignment, value, isRunning: status === 'running' }));
}

interface Tried extends Omit<Experience, 'assignment'> {
  readonly shares: Shares;
  readonly point: Float64Array;
}

/** What a trial is to the process: what it did not draw is in the middle. */
const pointOf = (shares: Shares): Float64Array => shares.map((share) => (Number.isNaN(share) ? 0.5 : share));

/** The beliefs after the trials, on a scale on which less is better, the mean 0 and the variance 1. */
function learned({ sites }: SpaceTree, tried: readonly Tried[]) {
  const worst = tried.reduce((least, { value }) => Math.min(least, value ?? least), Number.POSITIVE_INFINITY);
  // One that failed counts as the worst there was.
  const ended = tried.filter(({ isRunning }) => !isRunning).map((trial) => ({ ...trial, value: trial.value ?? worst }));
  const running = tried.filter(({ isRunning }) => isRunning);
  const mean = ended.reduce((sum, { value }) => sum + value, 0) / ended.length;
  const variance = ended.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / ended.length;
  const deviation = Math.sqrt(variance) || 1;
  const costOf = (value: number) => (mean - value) / deviation;
  const inputs = sites.map(({ options, ordered }): Input => ({ kind: options > 0 && !ordered ? 'option' : 'number' }));

  const all = ended.map(({ shares, point, value }): Judged => ({ shares, point, cost: costOf(value) }));
  const kernel = learnKernel(...pointsAndCosts(representative(all, MOST_LEARNED_FROM)), inputs);
  const basis = representative(all, MOST_TRIALS);
  let process = gaussianProcess(kernel, ...pointsAndCosts(basis));
  if (running.length > 0) {
    const believed = running.map(({ shares, point, value }): Judged => {
      const { mean: cost } = process.at(point);
      return { shares, point, cost: value === null ? cost : Math.min(cost, costOf(value)) };
    });
    process = gaussianProcess(kernel, ...pointsAndCosts([...basis, ...believed]));
  }
  return { process, judged: all, mean, deviation };
}

interface Judged {
  readonly shares: Shares;
  readonly point: Float64Array;
  readonly cost: number;
}

const pointsAndCosts = (trials: readonly Judged[]): [Float64Array[], Float64Array] => [
  trials.map(({ point }) => point),
  Float64Array.from(trials, ({ cost }) => cost),
];

/** The better half of so many trials, and as many of the others, from all ranks. */
function representative(trials: readonly Judged[], most: number): Judged[] {
  if (trials.length <= most) return [...trials];
  const ranked = trials.toSorted((a, b) => a.cost - b.cost);
  const good = Math.ceil(most / 2);
  const every = (ranked.length - good) / (most - good);
  return [
    ...ranked.slice(0, good),
    ...Array.from({ length: most - good }, (_, i) => ranked[good + Math.floor((i + 0.5) * every)]),
  ];
}

/** A trial that could be made. */
interface Candidate {
  readonly assignment: Assignment;
  readonly shares: Shares;
  readonly promise: number;
}

/** Looks for the largest expected improvement. */
class Search {
  readonly #tree: SpaceTree;
  readonly #process: GaussianProcess;
  readonly #best: number;
  /** What was drawn already: the same again would tell nothing. */
  readonly #tried: ReadonlySet<string>;
  readonly #random: RandomSource;

  constructor(
    tree: SpaceTree,
    process: GaussianProcess,
    { best, tried, random }: { best: number; tried: readonly { readonly shares: Shares }[]; random: RandomSource },
  ) {
    this.#tree = tree;
    this.#process = process;
    this.#best = best;
    this.#tried = new Set(tried.map(({ shares }) => shares.join()));
    this.#random = random;
  }

  mostPromising(judged: readonly Judged[]): Candidate {
    const random = this.#random;
    const candidates = Array.from({ length: ALL_OVER }, () => this.#candidate(random));
    for (const { shares } of judged.toSorted((a, b) => a.cost - b.cost).slice(0, BEST_TRIALS)) {
      for (let i = 0; i < AROUND_EACH; i++) {
        candidates.push(
          this.#candidate(this.#near(shares, { spread: 0.2 * 0.01 ** random(), part: 0.2 + 0.8 * random() })),
        );
      }
    }
    const promising = candidates.sort((a, b) => b.promise - a.promise).slice(0, IMPROVED);
    return promising.map((candidate) => this.#improved(candidate)).reduce((a, b) => (b.promise > a.promise ? b : a));
  }

  /** Steps from a candidate that lead up, smaller and smaller ones. */
  #improved(candidate: Candidate): Candidate {
    const few = 2 / this.#tree.sites.length;
    let best = candidate;
    for (let i = 0; i < IMPROVEMENTS; i++) {
      const spread = 0.1 * 0.01 ** (i / IMPROVEMENTS);
      const next = this.#candidate(this.#near(best.shares, { spread, part: few + 0.3 * this.#random() }));
      if (next.promise > best.promise) best = next;
    }
    return best;
  }

  #candidate(decide: Decision): Candidate {
    const { assignment, shares } = this.#tree.draw(decide);
    if (this.#tried.has(shares.join())) return { assignment, shares, promise: Number.NEGATIVE_INFINITY };
    const { mean, deviation } = this.#process.at(pointOf(shares));
    return { assignment, shares, promise: logExpectedImprovement(this.#best, mean, deviation) };
  }

  /** Decisions like those of a trial, of which a part is drawn anew: numbers nearby, with this standard deviation. */
  #near(shares: Shares, { spread, part }: { spread: number; part: number }): Decision {
    const random = this.#random;
    return ({ index, options, ordered }: Site) => {
      const own = shares[index];
      if (Number.isNaN(own)) return random();
      if (random() > part) return own;
      if (!ordered) return random();
      // Options in order: a step is at least likely to reach the next.
      const deviation = Math.max(spread, options > 0 ? 0.7 / options : 0);
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return reflected(own + deviation * normal);
    };
  }
}

/** Back into [0, 1) from beyond its ends. */
function reflected(share: number): number {
  const inside = Math.abs(share) > 1 ? 2 - Math.abs(share) : Math.abs(share);
  return Math.min(1 - 2 ** -53, Math.max(0, inside));
}
