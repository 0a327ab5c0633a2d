import { resolve } from 'node:path';
import type { LogEntry } from '@fovea/platform/server';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { type CommonOptions, type Context, command, positiveInteger } from './command.ts';
import { UsageError } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { printable } from './printable.ts';
import { databaseOf } from './workspace.ts';

interface ServeCommandOptions extends CommonOptions {
  host: string;
  port: number;
  certificate?: string;
  key?: string;
  auth: boolean;
  orchestrator: boolean;
  maxUploadGb?: number;
  maxUploadFileGb?: number;
  endpoints: boolean;
  scoringPort?: number;
}

/** `fovea serve`. */
export function serveCommand(context: Context): Command {
  const { err, out } = context.terminal;
  return command<ServeCommandOptions>(context, {
    usage: 'serve',
    server: 'unneeded',
    summary: "answer over HTTPS, in the words of Azure's management interface, work on jobs and serve endpoints",
    about: [
      'Clients of Azure ML then work with this workspace: jobs, data, models and environments. Who asks needs a token (fovea token create).',
      'Without a certificate the workspace signs one itself; clients trust it with NODE_EXTRA_CA_CERTS, as is said at the start. The server',
      'goes on until Ctrl-C; trials that run then go on, and the next server, or any command, finds them. Online endpoints answer at a port',
      'of their own, with the same certificate and to their own keys; until a server does so, they answer this machine alone.',
    ].join('\n'),
    options: [
      { flags: '--host <address>', text: 'address to listen to; 0.0.0.0 for all', fallback: '127.0.0.1' },
      { flags: '--port <n>', text: 'port; 0 for any that is free', fallback: 7040, read: portNumber },
      { flags: '--certificate <file.pem>', text: 'certificate to show, with those that it was signed with' },
      { flags: '--key <file.pem>', text: 'its private key' },
      { flags: '--no-auth', text: 'ask for no token: every program of this machine is an owner' },
      { flags: '--no-orchestrator', text: 'only answer; something else works on the jobs' },
      {
        flags: '--max-upload-gb <n>',
        text: 'gigabytes that other machines may send at once; 1024 when left out',
        read: positiveInteger,
      },
      {
        flags: '--max-upload-file-gb <n>',
        text: 'gigabytes that a file of them may have; 64 when left out',
        read: positiveInteger,
      },
      {
        flags: '--scoring-port <n>',
        text: 'port of online endpoints; that of the last time, 7041 or any that is free when left out',
        read: portNumber,
      },
      { flags: '--no-endpoints', text: 'something else serves the online endpoints' },
    ],
    examples: [
      'fovea token create --name me --role owner',
      'fovea serve',
      'fovea serve --host 0.0.0.0 --certificate server.pem --key server-key.pem',
    ],
    async run(options) {
      const { certificate, key } = options;
      if ((certificate === undefined) !== (key === undefined))
        throw new UsageError('--certificate and --key go together', '--certificate server.pem --key server-key.pem');
      const say = (line: string) => {
        if (!options.onlyShowErrors) err.write(`  ${line}\n`);
      };
      const { serveWorkspace } = await context.services.server();
      const stopping = onInterruption(() => say('ending; Ctrl-C again ends at once'));
      const served = await serveWorkspace({
        ...{ folder: resolve(options.workspace), ...databaseOf(options), host: options.host, port: options.port },
        ...(certificate !== undefined && key !== undefined && { certificate: { cert: certificate, key } }),
        ...{ noAuth: !options.auth, orchestrator: options.orchestrator, say },
        uploadLimits: {
          ...(options.maxUploadGb !== undefined && { mostBytes: options.maxUploadGb * gigabyte }),
          ...(options.maxUploadFileGb !== undefined && { mostFileBytes: options.maxUploadFileGb * gigabyte }),
        },
        scoringPort: options.endpoints ? (options.scoringPort ?? 'usual') : null,
        log: (entry) => {
          if (entry.status >= 500) err.write(`${lineOf(entry)}\n`);
          else if (options.verbose || options.debug) say(lineOf(entry));
        },
      });
      try {
        out.write(`${served.url}\n`);
        if (served.authority !== null) say(`to trust it: export NODE_EXTRA_CA_CERTS=${served.authority}`);
        if (!options.auth) say('no tokens are asked for: every program of this machine is an owner');
        else if (!served.hasTokens) say('nobody has a token yet: fovea token create --name me --role owner');
        await new Promise<void>((done) => {
          if (stopping.signal.aborted) done();
          else stopping.signal.addEventListener('abort', () => done(), { once: true });
        });
      } finally {
        await served.close();
        stopping.release();
      }
    },
  });
}

const gigabyte = 1e9;

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, 0 to 65535.');
}

function lineOf({ method, path, status, milliseconds, who, id, fault }: LogEntry): string {
  const line = `${method} ${printable(path)} ${status} ${Math.round(milliseconds)} ms ${who ?? '-'} ${id}`;
  return fault instanceof Error ? `${line}\n${printable(fault.stack ?? fault.message)}` : line;
}
