import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type {
  GivenValue,
  OnlineDeploymentRecord,
  OnlineEndpointRecord,
  OnlineEndpoints,
} from '@fovea/platform/endpoints';
import type { Command } from 'commander';
import { type CommonOptions, type Context, command, positiveInteger } from './command.ts';
import { readEndpointFile } from './endpoint-file.ts';
import { CommandFailure } from './failure.ts';
import { followDeployment } from './follow-deployment.ts';
import { meantModel } from './model-argument.ts';
import { giveAllTraffic } from './online-deployment.ts';
import { isRefusal, percentWords, withOnlineEndpoints } from './online-endpoints.ts';
import { optionalWriter } from './output.ts';
import { entryLine } from './summary.ts';
import { jobNamed, withWorkspace, workspaceWords } from './workspace.ts';

interface DeployOptions extends CommonOptions {
  name?: string;
  instances: number;
}

/** The deployments that take turns: while one answers, the other one is made. */
const colours = ['blue', 'green'] as const;

/** `fovea deploy <model>`: from a model to an address in one command. */
export function deployCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<DeployOptions>(context, {
    usage: 'deploy <model>',
    server: 'asked',
    summary: 'put a model behind an address that answers requests',
    about: [
      'The model is a job, a model folder or archive, or a registered model (azureml:pets:1). It is registered, an endpoint is made where there is',
      'none of the name, and instances are started. Where a model answers there already, it goes on until the new one is ready; then all',
      'requests go to that, and the one before it ends: no request is lost, and when the new model does not come up, nothing has changed.',
      'fovea online-endpoint and online-deployment do the same step by step, and more of it.',
    ].join('\n'),
    options: [
      { flags: '-n, --name <endpoint>', text: 'name of the endpoint; that of the job or the model when left out' },
      { flags: '--instances <n>', text: 'processes that answer', fallback: 1, read: positiveInteger },
    ],
    examples: [
      'fovea deploy amber_lynx',
      'fovea deploy amber_lynx --name pets --instances 2',
      'fovea deploy azureml:pets@latest',
    ],
    async run(options, [argument = '']) {
      const write = await optionalWriter(out, options);
      const { name: usual, model } = await modelOf(context, options, argument);
      const name = options.name ?? endpointName(usual);
      await withOnlineEndpoints(context, options, async (endpoints) => {
        const endpoint = await endpointNamed(context, endpoints, name);
        const serving = Object.keys(endpoint.traffic).filter((one) => endpoint.traffic[one] > 0);
        const colour = colours.find((one) => !serving.includes(one) && !Object.hasOwn(endpoint.mirror_traffic, one));
        if (colour === undefined) {
          const words = `fovea online-endpoint update${workspaceWords(options)} --name ${name} --traffic "${serving[0]}=100"`;
          throw new CommandFailure(`${name} is between two deployments: ${percentWords(endpoint.traffic)}`, {
            hint: `${words} ends that; then there is room for another one`,
          });
        }
        await removeLeft(endpoints, name, colour);
        const { readOnlineDeployment } = await context.services.endpoints();
        const given = deploymentGiven(options, { name: colour, endpoint: name, model });
        const quietly = { onlyShowErrors: true };
        const spec = await readEndpointFile(context, readOnlineDeployment, quietly, { about: argument, given });
        const where = { baseFolder: process.cwd(), anywhere: true };
        const started = await endpoints.deploy(spec, where, { create: true });
        const ready = await followDeployment(context, options, endpoints, started);
        if (ready === null) return;
        await giveAllTraffic(context, { ...options, onlyShowErrors: true }, endpoints, ready);
        for (const one of colours) {
          if (one === colour || !serving.includes(one)) continue;
          await endpoints.deleteDeployment(name, one);
          if (!options.onlyShowErrors) err.write(`  ${one}, which answered before, is ended\n`);
        }
        const answering = await endpoints.find(name);
        if (write) await write({ endpoint: answering, deployment: ready });
        else out.write(summary(context, options, answering, ready));
      });
    },
  });
}

/** What a deployment serves, as a file says it, and a name for it. @throws CommandFailure when there is no such model */
async function modelOf(
  context: Context,
  options: DeployOptions,
  argument: string,
): Promise<{ name: string; model: string | { path: string } }> {
  const isArchive = /\.(zip|tar|tgz|tar\.gz)$/.test(argument) && (await stat(argument).catch(() => null))?.isFile();
  if (isArchive) return { name: 'model', model: { path: resolve(argument) } };
  const meant = await meantModel(options, argument);
  switch (meant.kind) {
    case 'registered':
      return { name: meant.reference.replace(/^azureml:|[:@].*$/g, ''), model: meant.reference };
    case 'folder':
      return { name: 'model', model: { path: resolve(meant.path) } };
    case 'job': {
      const { name, display_name } = await withWorkspace(context, options, (workspace) =>
        jobNamed(workspace, options, meant.name),
      );
      return { name: display_name, model: { path: `azureml://jobs/${name}/outputs/best_model` } };
    }
  }
}

/** A name of an endpoint that is like another name: 3 to 32 letters, digits and single dashes, a letter first. */
function endpointName(name: string): string {
  const dashed = name
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^[^A-Za-z]+/, '')
    .slice(0, 32)
    .replace(/-$/, '');
  return dashed.length < 3 ? 'model' : dashed;
}

async function endpointNamed(
  context: Context,
  endpoints: OnlineEndpoints,
  name: string,
): Promise<OnlineEndpointRecord> {
  try {
    return await endpoints.find(name);
  } catch (error) {
    if (!isRefusal(error, 'not-found')) throw error;
  }
  const { readOnlineEndpoint } = await context.services.endpoints();
  const given = [{ key: 'name', value: name, argument: `--name ${name}` }];
  return endpoints.put(
    await readEndpointFile(context, readOnlineEndpoint, { onlyShowErrors: true }, { about: 'the command line', given }),
  );
}

/** What is left of a deployment that did not come up, or was not ended. */
async function removeLeft(endpoints: OnlineEndpoints, endpoint: string, name: string): Promise<void> {
  if (await endpoints.deleteDeployment(endpoint, name)) await endpoints.settled(endpoint, name);
}

function deploymentGiven(
  { instances }: DeployOptions,
  { name, endpoint, model }: { name: string; endpoint: string; model: string | { path: string } },
): GivenValue[] {
  const inline = typeof model === 'string' ? model : { ...model, name: endpoint, type: 'mlflow_model' };
  const values = {
    ...{ name, endpoint_name: endpoint, model: inline, instance_type: 'local', instance_count: instances },
    // Azure's defaults are one request at a time and five seconds: too few for batches, and for explanations.
    request_settings: {
      ...{ request_timeout_ms: 90_000, max_concurrent_requests_per_instance: 8, max_queue_wait_ms: 10_000 },
    },
  };
  return Object.entries(values).map(([key, value]) => {
    const argument = key === 'instance_count' ? `--instances ${instances}` : key;
    return { key, value, argument };
  });
}

function summary(
  { terminal: { out } }: Context,
  options: DeployOptions,
  { name, scoring_uri }: OnlineEndpointRecord,
  { model }: OnlineDeploymentRecord,
): string {
  const words = (verb: string) => `fovea online-endpoint ${verb}${workspaceWords(options)} --name ${name}`;
  const curl = `curl ${scoring_uri} -H "Authorization: Bearer $KEY" -H content-type:image/jpeg --data-binary @photo.jpg`;
  const lines = [
    `  ${out.paint('bold', `${name} answers with ${model}`)}`,
    entryLine(out, 'address', scoring_uri ?? 'none yet'),
    entryLine(out, 'ask', `${words('invoke')} --image photo.jpg`),
    entryLine(out, 'key', `KEY=$(${words('get-credentials')} --query primaryKey -o tsv)`),
    entryLine(out, 'program', curl),
  ];
  return `${lines.join('\n')}\n`;
}
