import { type Argument, Command, CommanderError } from 'commander';
import {
  laterCommand,
  laterComputeVerbs,
  laterDataVerbs,
  laterEnvironmentVerbs,
  laterGroups,
  laterJobVerbs,
  laterModelVerbs,
  withoutAzurePrefix,
} from './az-spelling.ts';
import { batchDeploymentCommands } from './batch-deployment.ts';
import { batchEndpointCommands } from './batch-endpoint.ts';
import type { Context } from './command.ts';
import { computeCommands } from './compute.ts';
import { dataCommands } from './data.ts';
import { dataAssetCommands } from './data-assets.ts';
import { datastoreCommands } from './datastore.ts';
import { deployCommand } from './deploy.ts';
import { environmentCommands } from './environment.ts';
import { evaluateCommand } from './evaluate.ts';
import { explainCommand } from './explain.ts';
import { exitCodes, reportFailure, UsageError } from './failure.ts';
import { jobCommands } from './job.ts';
import { modelCommands } from './model.ts';
import { modelExportCommand } from './model-export.ts';
import { onlineDeploymentCommands } from './online-deployment.ts';
import { onlineEndpointCommands } from './online-endpoint.ts';
import version from './package.json' with { type: 'json' };
import { predictCommand } from './predict.ts';
import { schemaCommands } from './schema.ts';
import { serveCommand } from './serve.ts';
import { tokenCommands } from './token.ts';
import { trainCommand } from './train.ts';
import { trialCommands } from './trial.ts';

const examples = `  fovea train pictures/                   a folder of class folders becomes a classifier
  fovea predict amber_lynx photo.jpg      what the classifier of that job sees in a picture
  fovea evaluate amber_lynx labelled/      how often it is right
  fovea explain amber_lynx photo.jpg      what it looked at
  fovea deploy amber_lynx                 an address that answers with it
  fovea job create -f job.yml --stream    an Azure ML AutoML image job, as it is
  fovea job list -o table                 what was trained here
  fovea trial list --job amber_lynx       the trials of a job`;

const shortHelp = `fovea trains image models from one job file, on this machine.

${examples}

fovea --help tells more, and fovea <command> --help most.
`;

/** Runs one command line (without the names of the interpreter and the script) and returns what the process is to end with. */
export async function run(argv: readonly string[], { terminal, services }: Omit<Context, 'exitCode'>): Promise<number> {
  const context: Context = { terminal, services, exitCode: exitCodes.done };
  const words = withoutAzurePrefix(argv);
  if (words.length === 0) {
    terminal.out.write(shortHelp);
    return exitCodes.done;
  }
  try {
    await programOf(context).parseAsync(words, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    const debug = words.includes('--debug');
    if (!(error instanceof CommanderError)) return reportFailure(error, terminal.err, { debug });
    // Help and version that were asked for end as errors of code 0; help shown for a missing verb is a wrong use.
    if (error.exitCode === 0) return exitCodes.done;
    if (error.code === 'commander.help') return exitCodes.usage;
    const [message = '', hint] = error.message.replace(/^error: /, '').split('\n');
    return reportFailure(new UsageError(message, hint?.replace(/^\((.*)\)$/, '$1')), terminal.err, { debug });
  }
}

function programOf(context: Context): Command {
  const { out, err } = context.terminal;
  const program = new Command('fovea')
    .description('Trains image models from one job file, on this machine.')
    .version(`fovea ${version.version}`, '-v, --version', 'the version')
    .helpOption('-h, --help', 'this text')
    .helpCommand(false)
    // Behind a command, --version is the version of a model or of data.
    .enablePositionalOptions()
    .addHelpText('after', `\nExamples:\n${examples}`)
    .addHelpText(
      'after',
      '\nThe spelling of az works too: fovea ml job create --file job.yml --resource-group … --workspace-name …',
    );
  const job = group('job', jobCommands(context), laterJobVerbs, {
    summary: 'jobs from Azure ML AutoML image job files',
    description: 'Jobs from Azure ML AutoML image job files: checked, run here, looked at.',
  });
  const trial = group('trial', trialCommands(context), [], {
    summary: 'the trials of a job: results, reasons, logs',
    description: 'Trials: models that a job trains, each with its own hyperparameters.',
  });
  const schema = group('schema', schemaCommands(context), [], {
    summary: 'schemas of files, for editors',
    description: 'Schemas of the files that fovea reads, for editors.',
  });
  const data = group('data', [...dataCommands(context), ...dataAssetCommands(context)], laterDataVerbs, {
    summary: 'labelled pictures: what is wrong with them; data under names and versions',
    description: 'Labelled pictures, looked at before they are trained on, and registered under names and versions.',
  });
  const model = group('model', [...modelCommands(context), modelExportCommand(context)], laterModelVerbs, {
    summary: 'models under names and versions',
    description: 'Models under names and versions, with hashes, and with where they come from.',
  });
  const onlineEndpoint = group('online-endpoint', onlineEndpointCommands(context), [], {
    summary: 'addresses that answer: traffic, keys, requests',
    description: 'Online endpoints: addresses with keys, and which deployments answer there.',
  });
  const onlineDeployment = group('online-deployment', onlineDeploymentCommands(context), [], {
    summary: 'models that answer at an endpoint',
    description: 'Online deployments: models in processes of this machine that answer at an endpoint.',
  });
  const compute = group('compute', computeCommands(context), laterComputeVerbs, {
    summary: 'names for this machine that jobs can ask for',
    description: 'Computes: names for this machine, and how many trials of their jobs run at the same time.',
  });
  const environment = group('environment', environmentCommands(context), laterEnvironmentVerbs, {
    summary: 'environments under names and versions, for scripts that look them up',
    description: 'Environments under names and versions. Nothing runs in them here.',
  });
  const datastore = group('datastore', datastoreCommands(context), [], {
    summary: 'where the data of the workspace is',
    description: 'Datastores: a workspace has one, a folder in it.',
  });
  const token = group('token', tokenCommands(context), [], {
    summary: 'who may ask a server',
    description: 'Tokens: who may ask a server of this workspace, and for what.',
  });
  const batchEndpoint = group('batch-endpoint', batchEndpointCommands(context), [], {
    summary: 'models that score folders and tables of pictures',
    description: 'Batch endpoints: a folder or a table of pictures becomes a table of predictions.',
  });
  const batchDeployment = group('batch-deployment', batchDeploymentCommands(context), [], {
    summary: 'the models of batch endpoints',
    description: 'Deployments of batch endpoints: which model scores, in how many processes, and what may fail.',
  });
  const commands = [
    ...[
      trainCommand(context),
      predictCommand(context),
      evaluateCommand(context),
      explainCommand(context),
      deployCommand(context),
      data,
      job,
      trial,
      model,
    ],
    ...[onlineEndpoint, onlineDeployment, batchEndpoint, batchDeployment],
    ...[compute, environment, datastore],
    ...[serveCommand(context), token, schema],
  ];
  for (const one of commands) program.addCommand(one);
  for (const group of laterGroups)
    program.addCommand(
      laterCommand(
        group,
        'fovea',
        commands.map((one) => one.name()),
      ),
      { hidden: true },
    );
  settle(
    program,
    (text) => out.write(text),
    (text) => err.write(text),
  );
  return program;
}

/** Commands of one kind, with those that are still to come. */
function group(
  name: string,
  verbs: readonly Command[],
  later: readonly string[],
  { summary, description }: { summary: string; description: string },
): Command {
  const made = new Command(name).summary(summary).description(description).helpOption('-h, --help', 'this text');
  made.helpCommand(false);
  for (const verb of verbs) made.addCommand(verb);
  const present = verbs.map((verb) => verb.name());
  for (const verb of later) made.addCommand(laterCommand(verb, `fovea ${name}`, present), { hidden: true });
  return made;
}

/** Every command throws instead of exiting, and writes its help where the terminal says. */
function settle(one: Command, writeOut: (text: string) => void, writeErr: (text: string) => void): void {
  one.exitOverride().configureOutput({ writeOut, writeErr, outputError: () => {} });
  one.configureHelp({
    subcommandTerm: (sub) => [sub.name(), ...sub.registeredArguments.map(argumentTerm)].join(' '),
    optionDescription: ({ description, defaultValue }) =>
      defaultValue === undefined ? description : `${description} (${defaultValue} when left out)`,
  });
  for (const sub of one.commands) settle(sub, writeOut, writeErr);
}

function argumentTerm(argument: Argument): string {
  return `<${argument.name()}${argument.variadic ? '...' : ''}>`;
}
