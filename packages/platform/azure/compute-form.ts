import { hostname } from 'node:os';
import {
  type ComputeChanges,
  type ComputeNode,
  computeTiers,
  type NamedCompute,
  type NamedComputeType,
  type NewCompute,
  namedComputeTypes,
  withoutEffect,
} from '../compute/named-compute.ts';
import { invalid } from '../refusal.ts';
import { isObject } from '../server/requests.ts';
import type { ComputeRow } from '../store/index.ts';
import { durationOfSeconds, secondsOfDuration } from './duration.ts';
import { booleanIn, checkKeys, textIn, textMapIn } from './fields.ts';
import { resourceHead, type Scope } from './scope.ts';

type Fields = Readonly<Record<string, unknown>>;

const at = 'properties.properties';

/** What an answer says besides, which comes back when an answer is sent again. */
const readOnly = ['provisioningState', 'createdOn', 'modifiedOn', 'provisioningErrors', 'isAttachedCompute'];
const usual = [
  'computeType',
  'description',
  'properties',
  'computeLocation',
  'resourceId',
  'disableLocalAuth',
  'fovea',
];
const readOnlyOfCluster = [
  ...['allocationState', 'allocationStateTransitionTime', 'errors', 'currentNodeCount', 'targetNodeCount'],
  ...['nodeStateCounts', 'enableNodePublicIp', 'remoteLoginPortPublicAccess', 'propertyBag'],
];
const readOnlyOfInstance = [
  ...['state', 'connectivityEndpoints', 'applications', 'createdBy', 'errors', 'lastOperation', 'sshSettings'],
  ...['applicationSharingPolicy', 'computeInstanceAuthorizationType'],
];

/**
 * The compute of a PUT.
 * @throws Refusal for what Azure does not have, and for what a machine of one's own cannot be: isolated, logged in to, of another system
 */
export function computeIn(name: string, body: Fields): NewCompute {
  const given = objectIn(body, 'properties', 'properties');
  const type = typeIn(given);
  checkKeys(given, [...usual, ...readOnly], 'properties');
  if (textIn(given, 'resourceId'))
    throw invalid('resourceId attaches a machine of Azure; the machine here is its own', 'properties.resourceId');
  const inner = objectIn(given, 'properties', at, {});
  return {
    ...{ name, type, description: textIn(given, 'description'), tags: textMapIn(body, 'tags') },
    location: elsewhere(textIn(given, 'computeLocation') ?? textIn(body, 'location', 'location')),
    size: textIn(inner, 'vmSize', at),
    ...(type === 'AmlCompute' ? clusterIn(inner) : instanceIn(inner)),
  };
}

/** The changes of a PATCH: `{tags, properties: {properties: {scaleSettings}}}`. */
export function computeChangesIn(body: Fields): ComputeChanges {
  checkKeys(body, ['properties', 'tags'], 'body');
  const given = objectIn(body, 'properties', 'properties', {});
  checkKeys(given, ['computeType', 'description', 'properties'], 'properties');
  const inner = objectIn(given, 'properties', at, {});
  checkKeys(inner, ['scaleSettings'], at);
  return { tags: textMapIn(body, 'tags'), description: textIn(given, 'description'), ...scaleIn(inner) };
}

function typeIn(given: Fields): NamedComputeType {
  const said = textIn(given, 'computeType');
  const type = namedComputeTypes.find((one) => one === said);
  if (type !== undefined) return type;
  const kinds = `${namedComputeTypes.join(' and ')} are names for this machine`;
  const what =
    said === undefined
      ? 'computeType is missing'
      : `computes of type ${JSON.stringify(said.slice(0, 100))} are not supported`;
  throw invalid(
    `${what}: ${kinds}; other machines are not attached`,
    'properties.computeType',
    'UnsupportedComputeType',
  );
}

function clusterIn(inner: Fields): Partial<NewCompute> {
  checkKeys(
    inner,
    [
      ...['vmSize', 'vmPriority', 'scaleSettings', 'osType', 'isolatedNetwork', 'subnet', 'userAccountCredentials'],
      ...['virtualMachineImage', ...readOnlyOfCluster],
    ],
    at,
  );
  refuseAccess(inner);
  const system = textIn(inner, 'osType', at);
  if (system !== undefined && system !== 'Linux')
    throw invalid(`osType should be Linux, not ${system}`, `${at}.osType`);
  const said = textIn(inner, 'vmPriority', at);
  const tier = computeTiers.find((one) => one === said);
  if (said !== undefined && tier === undefined)
    throw invalid(`vmPriority should be ${computeTiers.join(' or ')}, not ${JSON.stringify(said)}`, `${at}.vmPriority`);
  return { tier, ...scaleIn(inner) };
}

function instanceIn(inner: Fields): Partial<NewCompute> {
  const access = ['subnet', 'personalComputeInstanceSettings', 'setupScripts', 'schedules', 'isolatedNetwork'];
  checkKeys(inner, ['vmSize', ...access, ...readOnlyOfInstance], at);
  refuseAccess(inner);
  for (const key of ['personalComputeInstanceSettings', 'setupScripts', 'schedules']) {
    if (isEmpty(inner[key])) continue;
    throw invalid(`${key} has no meaning for a name of this machine; leave it out`, `${at}.${key}`);
  }
  const ssh = inner.sshSettings;
  if (isObject(ssh) && ssh.sshPublicAccess === 'Enabled') throw noAccess(`${at}.sshSettings.sshPublicAccess`);
  return {};
}

/** What somebody would rely on who asked for it. */
function refuseAccess(inner: Fields): void {
  if (!isEmpty(inner.subnet)) throw invalid('subnet: Fovea makes no networks; leave it out', `${at}.subnet`);
  if (booleanIn(inner, 'isolatedNetwork'))
    throw invalid('isolatedNetwork: a name for this machine isolates nothing', `${at}.isolatedNetwork`);
  if (!isEmpty(inner.virtualMachineImage))
    throw invalid('virtualMachineImage: jobs run on this machine as it is', `${at}.virtualMachineImage`);
  if (!isEmpty(inner.userAccountCredentials)) throw noAccess(`${at}.userAccountCredentials`);
  if (inner.remoteLoginPortPublicAccess === 'Enabled') throw noAccess(`${at}.remoteLoginPortPublicAccess`);
}

const noAccess = (target: string) =>
  invalid("Fovea gives nobody access to this machine, and makes no accounts; use the machine's own", target);

function scaleIn(inner: Fields): Pick<NewCompute, 'maxInstances' | 'minInstances' | 'idleSeconds'> {
  if (isEmpty(inner.scaleSettings)) return {};
  const scale = objectIn(inner, 'scaleSettings', `${at}.scaleSettings`);
  checkKeys(scale, ['maxNodeCount', 'minNodeCount', 'nodeIdleTimeBeforeScaleDown'], `${at}.scaleSettings`);
  const count = (key: string): number | undefined => {
    const value = scale[key] ?? undefined;
    if (value === undefined || typeof value === 'number') return value;
    throw invalid(`${key} should be a number`, `${at}.scaleSettings.${key}`);
  };
  const idle = textIn(scale, 'nodeIdleTimeBeforeScaleDown', `${at}.scaleSettings`);
  const idleSeconds = idle === undefined ? undefined : secondsOfDuration(idle);
  if (idleSeconds === null)
    throw invalid(
      'nodeIdleTimeBeforeScaleDown should be a duration, as PT120S',
      `${at}.scaleSettings.nodeIdleTimeBeforeScaleDown`,
    );
  return { maxInstances: count('maxNodeCount'), minInstances: count('minNodeCount'), idleSeconds };
}

function objectIn(fields: Fields, key: string, target: string, usual?: Fields): Fields {
  const value = fields[key] ?? usual;
  if (isObject(value)) return value;
  throw invalid(`${key} ${value === undefined ? 'is missing' : 'should be an object'}`, target);
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (isObject(value) && Object.values(value).every(isEmpty));

const elsewhere = (location: string | undefined) => (location === 'local' ? undefined : location);

/** A machine, as an answer has it. */
export const machineAnswer = (scope: Scope, row: ComputeRow): object => ({
  ...resourceHead(scope, `computes/${row.name}`),
  ...{ location: 'local', tags: {} },
  properties: {
    computeType: 'VirtualMachine',
    ...{ computeLocation: 'local', provisioningState: 'Succeeded', isAttachedCompute: true, disableLocalAuth: true },
    ...{ description: `${row.cpu} CPU cores, ${row.gpu} GPUs`, createdOn: row.created_at, modifiedOn: row.created_at },
    ...{ resourceId: null, provisioningErrors: null },
    properties: { virtualMachineSize: `${row.cpu} cores, ${row.gpu} GPUs`, address: hostname() },
  },
});

/** A named compute, as an answer has it; `fovea.withoutEffect` says what of it is kept for those who ask and nothing else. */
export function computeAnswer(scope: Scope, compute: NamedCompute, nodes: readonly ComputeNode[]): object {
  const { name, type, tags, description, size, location, createdAt, changedAt } = compute;
  const notes = withoutEffect({
    ...{ name, type, minInstances: compute.minInstances, tier: compute.tier },
    ...(size !== null && { size }),
    ...(location !== null && { location }),
  });
  return {
    ...resourceHead(scope, `computes/${name}`),
    ...{ location: location ?? 'local', tags },
    properties: {
      ...{ computeType: type, computeLocation: location ?? 'local', provisioningState: 'Succeeded' },
      ...{ description, createdOn: createdAt, modifiedOn: changedAt, resourceId: null, provisioningErrors: null },
      ...{ isAttachedCompute: false, disableLocalAuth: true },
      properties: type === 'AmlCompute' ? clusterAnswer(compute, nodes) : instanceAnswer(compute),
      ...(notes.length > 0 && { fovea: { withoutEffect: notes } }),
    },
  };
}

function clusterAnswer({ size, tier, ...compute }: NamedCompute, nodes: readonly ComputeNode[]): object {
  const running = nodes.filter(({ trial }) => trial !== null).length;
  return {
    ...{ osType: 'Linux', vmSize: size, vmPriority: tier, isolatedNetwork: false, subnet: null },
    scaleSettings: {
      ...{ maxNodeCount: compute.maxInstances, minNodeCount: compute.minInstances },
      nodeIdleTimeBeforeScaleDown: durationOfSeconds(compute.idleSeconds),
    },
    ...{ remoteLoginPortPublicAccess: 'NotSpecified', allocationState: 'Steady', errors: null },
    ...{ currentNodeCount: nodes.length, targetNodeCount: nodes.length },
    nodeStateCounts: {
      ...{ idleNodeCount: nodes.length - running, runningNodeCount: running },
      ...{ preparingNodeCount: 0, unusableNodeCount: 0, leavingNodeCount: 0, preemptedNodeCount: 0 },
    },
  };
}

const instanceAnswer = ({ size, isStopped }: NamedCompute) => ({
  ...{ vmSize: size, subnet: null, state: isStopped ? 'Stopped' : 'Running' },
  sshSettings: { sshPublicAccess: 'Disabled' },
});

/** A node, as Azure lists those of a cluster. */
export const nodeAnswer = ({ id, trial }: ComputeNode): object => ({
  ...{ nodeId: id, nodeState: trial === null ? 'idle' : 'running', runId: trial },
  ...{ privateIpAddress: null, publicIpAddress: null, port: null },
});
