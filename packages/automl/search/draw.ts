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
  /** The same for equal expressions of one parameter, also where they stand in different sub-spaces. */
  readonly key: string;
  /** How many options there are to choose from; 0 for a number. */
  readonly options: number;
  /** Whether neighbouring options are alike: those that are numbers, in order. */
  readonly ordered: boolean;
}

/** Decides what is drawn, by a share of all that can be, in [0, 1). */
export type Decision = (site: Site) => number;

/**
 * One trial of a space. With several sub-spaces one of them is chosen, then each of its parameters; shares drawn uniformly give
 * independent draws by the documented distributions. Where there is no choice nothing is asked.
 *
 * @throws RangeError for an empty space or an empty choice
 */
export function draw(space: Space, decide: Decision): Assignment {
  const spaces = subSpaces(space);
  return drawMap(spaces[chosen(subSpaceSite(spaces.length), decide)], '', decide);
}

function drawMap(map: { readonly [key: string]: SpaceValue }, path: string, decide: Decision): Assignment {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, drawValue(value, `${path}/${key}`, decide)]),
  );
}

function drawValue(value: SpaceValue, path: string, decide: Decision): Value {
  if (!isDistribution(value)) return isMap(value) ? drawMap(value, path, decide) : (value as Value);
  const site = siteOf(value, path);
  if (value.type !== 'choice') return quantile(value, decide(site));
  return drawValue(value.values[chosen(site, decide)], site.key, decide);
}

/** Number of the option that a site's share stands for. */
function chosen(site: Site, decide: Decision): number {
  if (site.options === 0) throw new RangeError('nothing to choose from');
  return site.options === 1 ? 0 : optionAt(site, decide(site));
}

/** Number of the option in whose part of [0, 1) a share lies. */
export const optionAt = ({ options }: Site, share: number) => Math.min(options - 1, Math.floor(share * options));

/** The middle of an option's part. */
const shareOfOption = (option: number, options: number) => (option + 0.5) / options;

const subSpaceSite = (options: number): Site => ({ key: '', options, ordered: false });

function siteOf(distribution: Distribution, path: string): Site {
  const options = distribution.type === 'choice' ? distribution.values.length : 0;
  const ordered = distribution.type !== 'choice' || isAscending(distribution.values);
  return { key: `${path}=${identity(distribution as unknown as Value)}`, options, ordered };
}

const isAscending = (values: readonly SpaceValue[]) =>
  values.every((value, i) => typeof value === 'number' && (i === 0 || value > (values[i - 1] as number)));

/** All places of a space, in the order in which they stand there. */
export function sitesOf(space: Space): Site[] {
  const sites = new Map<string, Site>();
  const visit = (value: SpaceValue, path: string): void => {
    if (!isDistribution(value)) {
      if (isMap(value)) for (const [key, inner] of Object.entries(value)) visit(inner, `${path}/${key}`);
      return;
    }
    const site = siteOf(value, path);
    if (site.options !== 1) sites.set(site.key, site);
    if (value.type === 'choice') for (const option of value.values) visit(option, site.key);
  };
  const spaces = subSpaces(space);
  if (spaces.length > 1) sites.set('', subSpaceSite(spaces.length));
  for (const subSpace of spaces) visit(subSpace, '');
  return [...sites.values()];
}

/**
 * The shares that lead to a trial, by the keys of their sites: `draw` with them gives the trial again. Null for one that the space can
 * not give, as one of another space.
 */
export function sharesOf(space: Space, assignment: Assignment): Map<string, number> | null {
  const spaces = subSpaces(space);
  for (const [i, subSpace] of spaces.entries()) {
    const shares = sharesOfMap(subSpace, assignment, '');
    if (shares) return new Map(spaces.length > 1 ? [['', shareOfOption(i, spaces.length)], ...shares] : shares);
  }
  return null;
}

type Shares = [key: string, share: number][];

function sharesOfMap(map: { readonly [key: string]: SpaceValue }, value: Assignment, path: string): Shares | null {
  const entries = Object.entries(map);
  if (entries.length !== Object.keys(value).length) return null;
  const shares: Shares = [];
  for (const [key, inner] of entries) {
    const found = Object.hasOwn(value, key) ? sharesOfValue(inner, value[key], `${path}/${key}`) : null;
    if (!found) return null;
    shares.push(...found);
  }
  return shares;
}

function sharesOfValue(expression: SpaceValue, value: Value, path: string): Shares | null {
  if (!isDistribution(expression)) {
    if (!isMap(expression)) return identity(expression as Value) === identity(value) ? [] : null;
    return isMap(value as SpaceValue) ? sharesOfMap(expression, value as Assignment, path) : null;
  }
  const { key, options } = siteOf(expression, path);
  if (expression.type !== 'choice') {
    if (typeof value !== 'number') return null;
    const share = shareBelow(expression, value);
    return [[key, share]];
  }
  for (const [i, option] of expression.values.entries()) {
    const inner = sharesOfValue(option, value, key);
    if (inner) return options > 1 ? [[key, shareOfOption(i, options)], ...inner] : inner;
  }
  return null;
}
