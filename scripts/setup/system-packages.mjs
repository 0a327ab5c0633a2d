import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { failure, run, SetupError } from './command.mjs';
import { findOwnLibtorch } from './libtorch.mjs';

/** Debian's libtorch and what belongs to it. python3-torchvision is for its compiled operators; openblas makes fp32 `linear` fast. */
const torchPackages = ['libtorch-dev', 'libgloo-dev', 'python3-torchvision', 'libopenblas0-pthread'];

/** Installs the compiler and, where neither LIBTORCH nor python3 has a libtorch, Debian's packages: only those that are missing. */
export function systemPackages({ log, env = process.env, uid = process.getuid?.() }) {
  let lacking = [];

  return {
    name: 'system packages',
    async missing() {
      const compiler = hasCommand(env.CXX || 'g++', env) ? [] : ['g++'];
      const torch = findOwnLibtorch({ env }) ? [] : await notInstalled(torchPackages, env);
      lacking = [...torch, ...compiler];
      return lacking.length === 0 ? null : `installing ${lacking.join(', ')}`;
    },
    note: () => '',
    async run(report) {
      if (!hasCommand('apt-get', env)) throw otherSystem(lacking);
      const prefix = await asRoot();
      const apt = (args, onLine) => {
        const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', '-o', 'DPkg::Lock::Timeout=600'];
        const [command, ...rest] = [...prefix, ...quiet, ...args];
        return run(command, rest, { log, env, onLine });
      };
      let fresh = false;
      const update = async () => {
        report('reading the list of packages');
        const { code, output } = await apt(['update']);
        if (code !== 0) throw failure('apt-get update', output, log);
        fresh = true;
      };
      if ((await unknown(lacking, env)).length > 0) await update();
      const strange = await unknown(lacking, env);
      if (strange.length > 0) throw notOffered(strange);
      const install = () => {
        const progress = ['-o', 'APT::Status-Fd=1', '-o', 'Dpkg::Use-Pty=0', '--no-install-recommends'];
        return apt(['install', ...progress, ...lacking], (line) => {
          const said = aptProgress(line);
          if (said) report(said);
        });
      };
      let { code, output } = await install();
      // An old list names files that the archive has replaced since.
      if (code !== 0 && !fresh && /404 +Not Found|Unable to fetch|Failed to fetch/.test(output.join('\n'))) {
        await update();
        ({ code, output } = await install());
      }
      if (code !== 0)
        throw failure(
          'apt-get install',
          output.filter((line) => !/^(dl|pm)status:/.test(line)),
          log,
        );
      return lacking.join(', ');
    },
  };

  async function asRoot() {
    if (uid === 0) return [];
    if (hasCommand('sudo', env)) {
      const { code } = await run('sudo', ['-n', 'true'], { log, env });
      if (code === 0) return ['sudo', '-n'];
    }
    const command = `apt-get update && apt-get install -y --no-install-recommends ${lacking.join(' ')}`;
    throw new SetupError(`system packages are missing, and only root can install them: ${lacking.join(', ')}`, {
      hint: `Type as root, then run the same command again:\n  ${command}`,
    });
  }
}

/** One line of apt's machine-readable progress (`dlstatus:1:43.2:Retrieving file 3 of 60 (2min left)`) for a person, or null. */
export function aptProgress(line) {
  const size = line.match(/^Need to get ([\d.,]+ [kMG]?B)/);
  if (size) return `${size[1]} to fetch`;
  const status = line.match(/^(dl|pm)status:[^:]*(?::(?:amd64|arm64|all|any))?:([\d.]+):(.*)$/);
  if (!status) return null;
  const [, phase, percent, text] = status;
  return `${phase === 'dl' ? 'fetching' : 'installing'} ${Math.floor(Number(percent))} %   ${text}`;
}

function hasCommand(name, env) {
  if (name.includes('/')) return existsSync(name);
  return (env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

async function notInstalled(names, env) {
  const { output } = await run('dpkg-query', ['-W', '-f', `\${Package} \${db:Status-Status}\n`, ...names], { env });
  const installed = new Set(output.filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]));
  return names.filter((name) => !installed.has(name));
}

/** Those of `names` that apt cannot install by the lists it has. */
async function unknown(names, env) {
  const { output } = await run('apt-cache', ['policy', ...names], { env: { ...env, LC_ALL: 'C' } });
  const known = new Set();
  let name = '';
  for (const line of output) {
    if (/^\S+:$/.test(line)) name = line.slice(0, -1);
    else if (/^ +Candidate: (?!\(none\))/.test(line)) known.add(name);
  }
  return names.filter((each) => !known.has(each));
}

function otherSystem(lacking) {
  const wanted = lacking.includes('libtorch-dev') ? ['a libtorch of version 1.13 or newer'] : [];
  if (lacking.includes('g++')) wanted.unshift('a C++17 compiler (g++, or name yours with CXX=)');
  return new SetupError(`this system has no apt-get, so set-up cannot install ${wanted.join(' and ')}`, {
    hint: [
      `Install ${wanted.join(' and ')} yourself.`,
      'For libtorch: unpack one from https://pytorch.org and set LIBTORCH=<folder>, or have a torch 2.x that python3 imports (its folder',
      'is found by itself). Then run the same command again.',
    ].join('\n'),
  });
}

function notOffered(names) {
  return new SetupError(`this system's package archive does not offer ${names.join(', ')}`, {
    hint: [
      'Debian 12 and newer offer them. On another system: unpack a libtorch from https://pytorch.org and set LIBTORCH=<folder>,',
      'or have a torch 2.x that python3 imports, then run the same command again.',
    ].join('\n'),
  });
}
