import { didYouMean } from '@fovea/data';
import { invalid } from '../../refusal.ts';
import type { OnlineEndpointSpec } from './online-spec.ts';

type Traffic = Pick<OnlineEndpointSpec, 'name' | 'traffic' | 'mirror_traffic'>;

const mostMirrored = 50;

/**
 * Holds traffic to its rules: whole percents, 100 or 0 in all, to deployments that are there; at most 50 % mirrored, to one deployment that
 * has no traffic of its own.
 *
 * @param deployments names of those that are there
 * @throws Refusal
 */
export function checkTraffic({ name, traffic, mirror_traffic }: Traffic, deployments: readonly string[]): void {
  const shares = Object.entries(traffic);
  for (const [deployment, percent] of shares) {
    requireDeployment(name, deployment, deployments, 'traffic');
    requirePercent(percent, 100, `traffic.${deployment}`);
  }
  const sum = shares.reduce((total, [, percent]) => total + percent, 0);
  if (sum !== 0 && sum !== 100) {
    const said = shares.map(([deployment, percent]) => `${deployment} ${percent}`).join(' + ');
    throw invalid(`traffic should be 100 % in all, or 0 for none, not ${said} = ${sum}`, 'traffic');
  }
  const mirrored = Object.entries(mirror_traffic);
  if (mirrored.length > 1) {
    const names = mirrored.map(([deployment]) => deployment).join(' and ');
    throw invalid(`mirror_traffic should name one deployment, not ${names}`, 'mirror_traffic');
  }
  for (const [deployment, percent] of mirrored) {
    requireDeployment(name, deployment, deployments, 'mirror_traffic');
    requirePercent(percent, mostMirrored, `mirror_traffic.${deployment}`);
    if (percent > 0 && (traffic[deployment] ?? 0) > 0) {
      const message = `${deployment} cannot have ${traffic[deployment]} % of the traffic and ${percent} % mirrored at once; a deployment has one or the other`;
      throw invalid(message, 'mirror_traffic');
    }
  }
}

/** Traffic without the entries of a deployment that has none; mirroring of 0 % is none. */
export function withoutShares({ traffic, mirror_traffic }: Traffic, deployment: string | null): Omit<Traffic, 'name'> {
  const others = (shares: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(shares).filter(([name]) => name !== deployment));
  const mirrored = Object.entries(others(mirror_traffic)).filter(([, percent]) => percent > 0);
  return { traffic: others(traffic), mirror_traffic: Object.fromEntries(mirrored) };
}

function requireDeployment(endpoint: string, deployment: string, known: readonly string[], target: string): void {
  if (known.includes(deployment)) return;
  const there =
    known.length === 0
      ? `${endpoint} has no deployments yet; create one, then give it traffic`
      : (didYouMean(deployment.slice(0, 100), known) ?? `there are ${known.join(', ')}`);
  const message = `${endpoint} has no deployment ${JSON.stringify(deployment.slice(0, 100))}; ${there}`;
  throw invalid(message, target, 'DeploymentNotFound');
}

function requirePercent(percent: number, most: number, target: string): void {
  if (Number.isInteger(percent) && percent >= 0 && percent <= most) return;
  throw invalid(`${target} should be a whole number of percent, 0 to ${most}, not ${percent}`, target);
}
