import { identity } from './grid-points.ts';
import { quantile, shareBelow } from './quantile.ts';
import {
  type Assignment,
  type Distribution,
  isDistribution,
  isMap,
  type Space,
  type SpaceValue,
  subSpaces,
  type Value,
} from './space.ts';

/** Uniform in [0, 1), as `Math.random`. */
export type RandomSource = () => number;

/** A place of a space where something is to be drawn. */
export interface Site {
  /** Among the tree's sites. */
  readonly index: number;
  /** How many options there are to choose from; 0 for a number. */
  readonly options: number;
  /** Whether neighbouring shares stand for what is alike: numbers, and options that are numbers in order. */
  readonly ordered: boolean;
  /** The share that all shares have in common which draw the same: the middle of an option, or of a step of `q`. */
  readonly settled: (share: number) => number;
}

/** Decides what is drawn at a site, by a share of all that can be, in [0, 1). */
export type Decision = (site: Site) => number;

/** What was drawn for a trial: the share of each site, settled, by its index; NaN for those that its sub-space or options do not have. */
export type Shares = Float64Array;

/**
 * A space as what is to be decided. Equal expressions of one parameter are one site, also where they stand in different sub-spaces, so
 * that what is learned of them in one is known in the others. Where there is only one option nothing is to be decided.
 */
export interface SpaceTree {
  readonly sites: readonly Site[];
  /**
   * One trial. With several sub-spaces one of them is chosen, then each of its parameters; shares drawn uniformly give independent
   * draws by the documented distributions.
   */
  draw(decide: Decision): { assignment: Assignment; shares: Shares };
  /** The shares that lead to an assignment; null for one that the space can not give, as one of another space. */
  sharesOf(assignment: Assignment): Shares | null;
}

/** One independent draw. @throws RangeError for an empty space or an empty choice */
export const draw = (space: Space, random: RandomSource): Assignment => treeOf(space).draw(random).assignment;

type Node =
  | { readonly kind: 'value'; readonly value: Value; readonly identity: string }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, Node])[] }
  | { readonly kind: 'number'; readonly site: Site; readonly distribution: Exclude<Distribution, { type: 'choice' }> }
  | { readonly kind: 'choice'; readonly site: Site | null; readonly options: readonly Node[] };

/** @throws RangeError for an empty space or an empty choice */
export function treeOf(space: Space): SpaceTree {
  const sites: Site[] = [];
  const byKey = new Map<string, Site>();

  const siteAt = (key: string, options: number, ordered: boolean, settled: Site['settled']): Site => {
    const known = byKey.get(key);
    if (known) return known;
    const site: Site = { index: sites.length, options, ordered, settled };
    sites.push(site);
    byKey.set(key, site);
    return site;
  };

  const choiceOf = (key: string, values: readonly SpaceValue[], path: string): Node => {
    const count = values.length;
    if (count === 0) throw new RangeError('nothing to choose from');
    const settled = (share: number) => (optionAt(share, count) + 0.5) / count;
    const site = count === 1 ? null : siteAt(key, count, isAscending(values), settled);
    return { kind: 'choice', site, options: values.map((value) => nodeOf(value, path)) };
  };

  const nodeOf = (value: SpaceValue, path: string): Node => {
    if (!isDistribution(value)) {
      if (!isMap(value)) return { kind: 'value', value: value as Value, identity: identity(value as Value) };
      return {
        kind: 'map',
        entries: Object.entries(value).map(([key, inner]) => [key, nodeOf(inner, `${path}/${key}`)]),
      };
    }
    const key = `${path}=${identity(value as unknown as Value)}`;
    if (value.type === 'choice') return choiceOf(key, value.values, key);
    const settled = (share: number) => shareBelow(value, quantile(value, share));
    return { kind: 'number', site: siteAt(key, 0, true, settled), distribution: value };
  };

  const root = choiceOf('', subSpaces(space), '');
  return {
    sites,
    draw(decide) {
      const shares = new Float64Array(sites.length).fill(Number.NaN);
      const assignment = drawn(root, (site) => {
        const share = decide(site);
        shares[site.index] = site.settled(share);
        return share;
      });
      return { assignment: assignment as Assignment, shares };
    },
    sharesOf(assignment) {
      const shares = new Float64Array(sites.length).fill(Number.NaN);
      return matches(root, assignment, shares) ? shares : null;
    },
  };
}

/** Number of the option in whose part of [0, 1) a share lies. */
export const optionAt = (share: number, options: number): number => Math.min(options - 1, Math.floor(share * options));

const isAscending = (values: readonly SpaceValue[]): boolean =>
  values.every((value, i) => typeof value === 'number' && (i === 0 || value > (values[i - 1] as number)));

function drawn(node: Node, decide: Decision): Value {
  switch (node.kind) {
    case 'value':
      return node.value;
    case 'map':
      return Object.fromEntries(node.entries.map(([key, inner]) => [key, drawn(inner, decide)]));
    case 'number':
      return quantile(node.distribution, decide(node.site));
    case 'choice':
      return drawn(node.options[node.site ? optionAt(decide(node.site), node.site.options) : 0], decide);
  }
}

/** Whether a node can give a value; its shares are written down then. */
function matches(node: Node, value: Value, shares: Shares): boolean {
  switch (node.kind) {
    case 'value':
      return value === node.value || node.identity === identity(value);
    case 'map': {
      if (!isMap(value as SpaceValue)) return false;
      const map = value as { readonly [key: string]: Value };
      if (Object.keys(map).length !== node.entries.length) return false;
      return node.entries.every(([key, inner]) => Object.hasOwn(map, key) && matches(inner, map[key], shares));
    }
    case 'number':
      if (typeof value !== 'number') return false;
      shares[node.site.index] = shareBelow(node.distribution, value);
      return true;
    case 'choice': {
      for (const [i, option] of node.options.entries()) {
        const found = shares.slice();
        if (!matches(option, value, found)) continue;
        shares.set(found);
        if (node.site) shares[node.site.index] = (i + 0.5) / node.options.length;
        return true;
      }
      return false;
    }
  }
}
