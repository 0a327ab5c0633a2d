import { resolve } from 'node:path';
import type { BatchEndpoints, GivenValue } from '@fovea/platform/endpoints';
import type { CommonOptions, Context } from './command.ts';
import { UsageError } from './failure.ts';
import { whileSending } from './sending.ts';
import { databaseOf, serverAddress } from './workspace.ts';

/** Opens the batch endpoints of a command for as long as `work` takes. */
export async function withBatchEndpoints<T>(
  context: Pick<Context, 'services' | 'terminal'>,
  options: CommonOptions,
  work: (endpoints: BatchEndpoints) => Promise<T>,
): Promise<T> {
  const { services } = context;
  const server = await serverAddress(options);
  const use = async (endpoints: BatchEndpoints & { close(): Promise<void> }): Promise<T> => {
    try {
      return await work(endpoints);
    } finally {
      await endpoints.close();
    }
  };
  if (server === null) {
    const { openBatchEndpoints } = await services.endpoints();
    return use(await openBatchEndpoints({ folder: resolve(options.workspace), ...databaseOf(options) }));
  }
  const { openRemoteBatchEndpoints } = await services.remote();
  return whileSending(context, options, async (sending) => use(await openRemoteBatchEndpoints(server, sending)));
}

interface SaidNames {
  readonly file?: string;
  readonly name?: string;
  readonly endpointName?: string;
}

/** What the options of a command say over a file. @throws UsageError when neither has a name */
export function saidNames({ file, name, endpointName }: SaidNames): { about: string; given: GivenValue[] } {
  if (file === undefined && name === undefined)
    throw new UsageError('there is no name', '--name, or --file with a name in it');
  const given: GivenValue[] = [];
  if (name !== undefined) given.push({ key: 'name', value: name, argument: `--name ${name}` });
  if (endpointName !== undefined)
    given.push({ key: 'endpoint_name', value: endpointName, argument: `--endpoint-name ${endpointName}` });
  return { about: name ?? 'the command line', given };
}
