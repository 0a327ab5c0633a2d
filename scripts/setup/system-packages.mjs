import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { failure, run, SetupError } from './command.mjs';
import { findOwnLibtorch } from './libtorch.mjs';

/** Debian's libtorch and what belongs to it. python3-torchvision is for its compiled operators; openblas makes fp32 `linear` fast. */
const torchPackages = ['libtorch-dev', 'libgloo-dev', 'python3-torchvision', 'libopenblas0-pthread'];

/** For the tests of workspaces that are kept in PostgreSQL, which are left out where there is none; but not in CI. */
const postgresql = 'postgresql';

/** The absence of this stops nobody: JPEGs are decoded all the same, at a third of the speed. */
const libturbojpeg = 'libturbojpeg0';

/** Installs the compiler and, where neither LIBTORCH nor python3 has a libtorch, Debian's packages: only those that are missing. */
export function systemPackages({ log, env = process.env, uid = process.getuid?.() }) {
  let lacking = [];
  // Debian's package starts a server: nobody who only trains models shall have one.
  const isForTests = env.FOVEA_TESTS === '1' || env.CI === 'true';
  const helpfulPackages = [libturbojpeg, ...(isForTests ? [postgresql] : [])];

  return {
    name: 'system packages',
    async missing() {
      const compiler = hasCommand(env.CXX || 'g++', env) ? [] : ['g++'];
      const torch = findOwnLibtorch({ env }) ? [] : await notInstalled(torchPackages, env);
      const optional = await notInstalled(helpfulPackages, env);
      const tested = optional.filter((name) => name === postgresql && env.CI === 'true');
      const required = [...torch, ...compiler, ...tested];
      const helpful = optional.filter((name) => !tested.includes(name));
      // Alone they are worth a look into the archive, but no question for a password.
      const worth = required.length > 0 ? helpful : uid === 0 ? await offered(helpful, env) : [];
      lacking = [...required, ...worth];
      return lacking.length === 0 ? null : `installing ${lacking.join(', ')}`;
    },
    note: () => '',
    async run(report) {
      if (!hasCommand('apt-get', env)) throw otherSystem(lacking);
      const root = [...(await asRoot()), 'env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C'];
      const privileged = (args, onLine) =>
        run([...root, ...args][0], [...root, ...args].slice(1), { log, env, onLine });
      const apt = (args, onLine) =>
        privileged(['apt-get', '-y', '-q', '-o', 'DPkg::Lock::Timeout=600', ...args], onLine);
      const update = async () => {
        report('reading the list of packages');
        const { code, output } = await apt(['update']);
        if (code !== 0) throw failure('apt-get update', output, log);
      };
      if ((await offered(lacking, env)).length < lacking.length) await update();
      const wanted = await offered(lacking, env);
      const strange = lacking.filter((name) => !wanted.includes(name) && !helpfulPackages.includes(name));
      if (strange.length > 0) throw notOffered(strange);

      const remedies = [
        // An old list names files that the archive has replaced since.
        { pattern: /404 +Not Found|Unable to fetch/, mend: update },
        { pattern: /dpkg was interrupted/, mend: () => privileged(['dpkg', '--configure', '-a']) },
      ];
      for (;;) {
        const said = aptProgress(report);
        const { code, output } = await apt(
          ['install', '-o', 'Dpkg::Use-Pty=0', '--no-install-recommends', ...wanted],
          said,
        );
        if (code === 0) return wanted.join(', ');
        const remedy = remedies.find(({ pattern }) => pattern.test(output.join('\n')));
        if (!remedy) throw failure('apt-get install', output, log);
        remedies.splice(remedies.indexOf(remedy), 1);
        await remedy.mend();
      }
    },
  };

  async function asRoot() {
    if (uid === 0) return [];
    if (hasCommand('sudo', env)) {
      const { code } = await run('sudo', ['-n', 'true'], { log, env });
      if (code === 0) return ['sudo', '-n'];
    }
    const command = `apt-get update && apt-get install -y --no-install-recommends ${lacking.join(' ')}`;
    const typed = hasCommand('sudo', env) ? `sudo sh -c '${command}'` : command;
    throw new SetupError(`system packages are missing, and only root can install them: ${lacking.join(', ')}`, {
      hint: `Type this${typed === command ? ' as root' : ''}, then run the same command again:\n  ${typed}`,
    });
  }
}

/**
 * Reports how far `apt-get install` is, counted from its output. (Its APT::Status-Fd would tell too, but it makes that descriptor
 * non-blocking for the packages' own scripts, which then fail when we read slowly.)
 */
function aptProgress(report) {
  const counts = { Get: 0, Unpacking: 0, 'Setting up': 0 };
  const words = { Get: 'fetching', Unpacking: 'unpacking', 'Setting up': 'configuring' };
  let total = 0;
  let size = '';
  return (line) => {
    total = Number(line.match(/, (\d+) newly installed/)?.[1] ?? total);
    size = line.match(/^Need to get ([\d.,]+ [kMG]?B)/)?.[1] ?? size;
    const phase = line.match(/^(Get|Unpacking|Setting up)(?=:\d| )/)?.[1];
    if (!phase) return;
    counts[phase]++;
    report(`${words[phase]} ${Math.min(counts[phase], total)} of ${total}${phase === 'Get' ? `, ${size} in all` : ''}`);
  };
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

/** Those of `names` that apt can install by the lists it has. */
async function offered(names, env) {
  if (names.length === 0 || !hasCommand('apt-cache', env)) return [];
  const { output } = await run('apt-cache', ['policy', ...names], { env: { ...env, LC_ALL: 'C' } });
  const known = new Set();
  let name = '';
  for (const line of output) {
    if (/^\S+:$/.test(line)) name = line.slice(0, -1);
    else if (/^ +Candidate: (?!\(none\))/.test(line)) known.add(name);
  }
  return names.filter((each) => known.has(each));
}

function otherSystem(lacking) {
  const wanted = lacking.includes('libtorch-dev') ? ['a libtorch of version 1.13 or newer'] : [];
  if (lacking.includes('g++')) wanted.unshift('a C++17 compiler (g++, or name yours with CXX=)');
  if (lacking.includes(postgresql)) wanted.push('PostgreSQL');
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
