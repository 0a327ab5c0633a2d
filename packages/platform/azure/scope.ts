import { invalid } from '../refusal.ts';
import type { RequestContext } from '../server/requests.ts';

/** Path of a workspace in Azure's interface. */
export const workspacePath =
  '/subscriptions/:subscription/resourceGroups/:resourceGroup/providers/Microsoft.MachineLearningServices/workspaces/:workspace';

const provider = 'Microsoft.MachineLearningServices';

/** The words of paths that are no names; Azure does not tell their case apart. */
const words = new Map(
  [
    ...['subscriptions', 'resourceGroups', 'providers', provider, 'workspaces', 'jobs', 'cancel', 'data', 'models'],
    ...[
      'environments',
      'versions',
      'computes',
      'datastores',
      'listSecrets',
      'listNodes',
      'start',
      'stop',
      'restart',
      'listKeys',
      'operationResults',
    ],
    ...['onlineEndpoints', 'batchEndpoints', 'deployments', 'operations', 'regenerateKeys', 'token', 'getLogs', 'skus'],
  ].map((word) => [word.toLowerCase(), word]),
);

/** The path of an address, its fixed words in the one spelling that routes have, without a slash at its end. */
export function canonicalPath(url: string): string {
  const [, path = '/'] = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url) ?? [];
  const parts = path.replace(/\/+$/, '').split('/');
  const [, first = '', , third = ''] = parts.map((part) => part.toLowerCase());
  if (first !== 'subscriptions' && first !== 'providers') return path.replace(/(?<=.)\/+$/, '') || '/';
  const fixed = third === 'providers' ? [1, 3, 4, 5] : [1, 3, 5, 6, 7, 9, 11, 13];
  return parts
    .map((part, i) => (first === 'providers' || fixed.includes(i) ? (words.get(part.toLowerCase()) ?? part) : part))
    .join('/');
}

/** The names by which a client calls the workspace. A server has one, and answers to all names. */
export interface Scope {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly workspace: string;
}

const patterns: Record<keyof Scope, { pattern: RegExp; rule: string }> = {
  subscription: { pattern: /^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$/, rule: 'letters, digits and -, at most 64' },
  resourceGroup: { pattern: /^[\w().-]{0,89}[\w()-]$/, rule: 'letters, digits, _, -, (, ) and ".", at most 90' },
  workspace: { pattern: /^[a-zA-Z0-9][a-zA-Z0-9_-]{1,32}$/, rule: 'letters, digits, - and _, 2 to 33 of them' },
};

/**
 * @param usual names that the path may leave out
 * @throws Refusal for names that cannot be, and for a request that does not say its api-version
 */
export function scopeOf(context: RequestContext, usual: Partial<Scope> = {}): Scope {
  requireApiVersion(context);
  const name = (key: keyof Scope): string => {
    const given = context.req.param(key) ?? usual[key] ?? '';
    const { pattern, rule } = patterns[key];
    if (pattern.test(given)) return given;
    throw invalid(`${JSON.stringify(given.slice(0, 300))} cannot be the name of a ${key}: ${rule}`, key, 'InvalidName');
  };
  return { subscription: name('subscription'), resourceGroup: name('resourceGroup'), workspace: name('workspace') };
}

/** @throws Refusal unless a request says which version of the interface it means */
function requireApiVersion(context: RequestContext): void {
  const version = context.req.query('api-version');
  if (version === undefined || version === '') {
    throw invalid('api-version is missing: ?api-version=2022-10-01', 'api-version', 'MissingApiVersionParameter');
  }
  if (/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return;
  const message = `api-version should be a date, as 2022-10-01 or 2023-04-01-preview, not ${JSON.stringify(version.slice(0, 100))}`;
  throw invalid(message, 'api-version', 'InvalidApiVersionParameter');
}

export const workspaceId = ({ subscription, resourceGroup, workspace }: Scope): string =>
  `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${provider}/workspaces/${workspace}`;

/** What every resource says of itself. @param path below the workspace, as `models/m/versions/1` */
export function resourceHead(scope: Scope, path: string): { id: string; name: string; type: string } {
  const parts = path.split('/');
  const types = parts.filter((_, i) => i % 2 === 0);
  return {
    id: `${workspaceId(scope)}/${path}`,
    name: parts.at(-1) as string,
    type: [provider, 'workspaces', ...types].join('/'),
  };
}

/** The name in a path. @throws Refusal for one that cannot be */
export function nameIn(context: RequestContext, key: string, check: (text: string) => string): string {
  return check(context.req.param(key) ?? '');
}
