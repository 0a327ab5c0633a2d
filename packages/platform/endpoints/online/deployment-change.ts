import { isDeepStrictEqual } from 'node:util';
import type { OnlineDeploymentRow, OnlineDeploymentStateRow, ProvisioningState } from './online-rows.ts';

/** A deployment's row as it is kept: what it is being changed in, besides. */
export interface KeptDeployment extends OnlineDeploymentRow {
  readonly change: 'Updating' | 'Scaling';
}

/** What one says of a deployment, and its instances do not know. */
const said = new Set(['description', 'tags', 'properties']);
/** What the service itself keeps there. */
const own = new Set(['generation', 'deleting', 'change', 'workspace']);

/**
 * What changes between two wishes: nothing that instances would notice, their number alone, or more.
 */
export function changeBetween(
  before: Omit<OnlineDeploymentRow, 'generation'>,
  after: Omit<OnlineDeploymentRow, 'generation'>,
): 'nothing' | 'words' | 'Scaling' | 'Updating' {
  // As both are kept: without what is undefined.
  const [was, is] = [before, after].map((row) => JSON.parse(JSON.stringify(row)) as Record<string, unknown>);
  const differing = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (key) => !own.has(key) && !isDeepStrictEqual(was[key], is[key]),
  );
  if (differing.length === 0) return 'nothing';
  const noticed = differing.filter((key) => !said.has(key));
  if (noticed.length === 0) return 'words';
  return noticed.every((key) => key === 'instance_count') ? 'Scaling' : 'Updating';
}

/** @param state what the keeper wrote; null: it has not seen the deployment yet */
export function provisioningState(row: KeptDeployment, state: OnlineDeploymentStateRow | null): ProvisioningState {
  if (row.deleting) return 'Deleting';
  if (state && state.generation >= row.generation) return state.provisioning_state;
  return state === null || state.provisioning_state === 'Creating' ? 'Creating' : row.change;
}

/** Nobody works on it any more. */
export const isSettled = (state: ProvisioningState): boolean =>
  state === 'Succeeded' || state === 'Failed' || state === 'Canceled';
