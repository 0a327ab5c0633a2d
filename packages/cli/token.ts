import { resolve } from 'node:path';
import type { Role, Tokens } from '@fovea/platform/server';
import type { Command } from 'commander';
import { type CommonOptions, type Context, command, type OptionSpec, positiveInteger } from './command.ts';
import { resultWriter } from './output.ts';
import { databaseOf, type WorkspaceOptions } from './workspace.ts';

const roles = ['reader', 'contributor', 'owner'] as const satisfies readonly Role[];
const hour = 3_600_000;

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: 'whose it is, or what for', required: true };

interface Named extends CommonOptions {
  name: string;
}

/** `fovea token <verb>`. */
export function tokenCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const withTokens = async <T>(options: WorkspaceOptions, work: (tokens: Tokens) => Promise<T>): Promise<T> => {
    const { openTokens } = await context.services.server();
    const tokens = await openTokens({ folder: resolve(options.workspace), ...databaseOf(options) });
    try {
      return await work(tokens);
    } finally {
      await tokens.close();
    }
  };
  const show = (options: CommonOptions, token: string) => {
    out.write(`${token}\n`);
    if (!options.onlyShowErrors) err.write('  keep it now: the workspace has only its hash\n');
  };

  const create = command<Named & { role: Role; expiresInDays?: number }>(context, {
    usage: 'create',
    summary: 'make a token for a server of this workspace, and print it once',
    about:
      "A reader sees everything; a contributor runs jobs and registers models and data; an owner may besides name any file of the\nserver's machine and change the workspace itself.",
    options: [
      nameOption,
      { flags: '-r, --role <role>', text: roles.join(', '), choices: roles, fallback: 'contributor' },
      {
        flags: '--expires-in-days <n>',
        text: 'days for which it is taken; without end when left out',
        read: positiveInteger,
      },
    ],
    examples: ['fovea token create --name ci --role contributor --expires-in-days 90'],
    async run(options) {
      const { name, role, expiresInDays: days } = options;
      const expires = days === undefined ? null : new Date(Date.now() + days * 24 * hour);
      show(options, await withTokens(options, (tokens) => tokens.create(name, role, expires)));
    },
  });

  const rotate = command<Named & { overlapHours: number; atOnce?: boolean }>(context, {
    usage: 'rotate',
    summary: 'give a token another secret, and print it once',
    options: [
      nameOption,
      {
        flags: '--overlap-hours <n>',
        text: 'hours for which the old one is taken, too',
        fallback: 24,
        read: positiveInteger,
      },
      { flags: '--at-once', text: 'the old one is not taken any more' },
    ],
    examples: ['fovea token rotate --name ci', 'fovea token rotate --name leaked --at-once'],
    async run(options) {
      const overlap = options.atOnce ? 0 : options.overlapHours * hour;
      show(options, await withTokens(options, (tokens) => tokens.rotate(options.name, overlap)));
    },
  });

  const list = command<CommonOptions>(context, {
    usage: 'list',
    summary: 'print the tokens of the workspace: names and roles, not the tokens',
    options: [],
    defaultOutput: 'json',
    examples: ['fovea token list -o table'],
    async run(options) {
      const write = await resultWriter(out, { output: options.output ?? 'json', query: options.query });
      await write(await withTokens(options, (tokens) => tokens.list()));
    },
  });

  const revoke = command<Named>(context, {
    usage: 'revoke',
    summary: 'let nobody in by this token any more',
    options: [nameOption],
    examples: ['fovea token revoke --name ci'],
    async run(options) {
      await withTokens(options, (tokens) => tokens.revoke(options.name));
      if (!options.onlyShowErrors) err.write(`  ${options.name} is revoked\n`);
    },
  });

  return [create, rotate, list, revoke];
}
