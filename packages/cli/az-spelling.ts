import { Command } from 'commander';
import type { OptionSpec } from './command.ts';
import { UsageError } from './failure.ts';

/** What every `az ml` verb takes to find a workspace in Azure. */
export interface AzureScope {
  resourceGroup?: string;
  workspaceName?: string;
  subscription?: string;
}

export const azureOptions: readonly OptionSpec[] = [
  { flags: '-g, --resource-group <name>', text: 'resource group' },
  { flags: '-w, --workspace-name <name>', text: 'Azure workspace' },
  { flags: '--subscription <id>', text: 'subscription' },
];

/** `ml job create …` means `job create …`: a script for Azure runs when its `az` is replaced by `fovea`. */
export function withoutAzurePrefix(argv: readonly string[]): readonly string[] {
  return argv[0] === 'ml' ? argv.slice(1) : argv;
}

/** The scope as properties of a job, so that what the script said about it is not lost. */
export function scopeProperties({ resourceGroup, workspaceName, subscription }: AzureScope): Record<string, string> {
  const given = {
    azure_subscription: subscription,
    azure_resource_group: resourceGroup,
    azure_workspace: workspaceName,
  };
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** What to say of a scope that was given, or null when none was. */
export function scopeNote(scope: AzureScope & { workspace: string; server?: string }): string | null {
  if (Object.keys(scopeProperties(scope)).length === 0) return null;
  const where = scope.server === undefined ? `the folder ${scope.workspace}` : `that of ${scope.server}`;
  return `the Azure scope chooses nothing here: the workspace is ${where}`;
}

/** What `az ml` has and this release has not. Known, so that the answer is not "unknown command". */
export const laterGroups = ['component', 'connection', 'registry', 'schedule', 'workspace'] as const;
export const laterDataVerbs = ['import', 'list-materialization-status', 'mount', 'share'] as const;
export const laterComputeVerbs = [
  ...['attach', 'connect-ssh', 'detach', 'enable-sso', 'list-sizes', 'list-usage', 'update-schedule'],
] as const;
export const laterEnvironmentVerbs = ['share'] as const;
export const laterModelVerbs = ['package', 'share'] as const;
export const laterJobVerbs = ['connect-ssh', 'show-services'] as const;

/** A command that says that it is still to come; its name is not offered in help. */
export function laterCommand(name: string, parent: string, present: readonly string[]): Command {
  return new Command(name)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new UsageError(
        `${parent} ${name} is not in this release`,
        `this release has ${parent} ${present.join(', ')}`,
      );
    });
}
