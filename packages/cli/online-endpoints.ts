import { resolve } from 'node:path';
import type { OnlineEndpointRecord, OnlineEndpointSpec, OnlineEndpoints } from '@fovea/platform/endpoints';
import type { CommonOptions, Context, OptionSpec } from './command.ts';
import { databaseOf, serverAddress, type WorkspaceOptions } from './workspace.ts';

/** What several commands of online endpoints and their deployments take. */
export const localOption: OptionSpec = {
  flags: '--local',
  text: 'accepted for scripts; all endpoints are on this machine',
};
export const noWaitOption: OptionSpec = { flags: '--no-wait', text: 'do not wait until it is so' };

/** Opens the online endpoints of a command for as long as `work` takes. */
export async function withOnlineEndpoints<T>(
  { services }: Pick<Context, 'services'>,
  options: WorkspaceOptions,
  work: (endpoints: OnlineEndpoints) => Promise<T>,
): Promise<T> {
  const endpoints = await opened(services, options);
  try {
    return await work(endpoints);
  } finally {
    await endpoints.close();
  }
}

async function opened(
  services: Context['services'],
  options: WorkspaceOptions,
): Promise<OnlineEndpoints & { close(): Promise<void> }> {
  const server = await serverAddress(options);
  if (server !== null) return (await services.remote()).openRemoteOnlineEndpoints(server);
  const { openOnlineEndpoints } = await services.endpoints();
  return openOnlineEndpoints({ folder: resolve(options.workspace), ...databaseOf(options) });
}

/** Says what `--local` comes to. */
export function sayLocal({ terminal: { err } }: Context, options: CommonOptions & { local?: boolean }): void {
  if (options.local && !options.onlyShowErrors)
    err.write('  note: everything is local here; --local changes nothing\n');
}

/** Whether something was not done, for a reason of this code or kind. */
export function isRefusal(error: unknown, word: string): boolean {
  if (!(error instanceof Error && error.name === 'Refusal')) return false;
  return ('code' in error && error.code === word) || ('reason' in error && error.reason === word);
}

/** Changes an endpoint on the strength of what it is at that moment, once more when somebody else was faster. */
export async function changeEndpoint(
  endpoints: OnlineEndpoints,
  name: string,
  change: (now: OnlineEndpointRecord) => OnlineEndpointSpec | Promise<OnlineEndpointSpec>,
): Promise<OnlineEndpointRecord> {
  for (let tries = 1; ; tries++) {
    const now = await endpoints.find(name);
    try {
      return await endpoints.put(await change(now), { revision: now.revision });
    } catch (error) {
      if (!isRefusal(error, 'changed') || tries === mostTries) throw error;
    }
  }
}

const mostTries = 20;

/** `blue=90 green=10` */
export const percentWords = (percents: Readonly<Record<string, number>>): string =>
  Object.entries(percents)
    .map(([name, percent]) => `${name}=${percent}`)
    .join(' ');
