// Builds packages/torch's addon against the libtorch that is found; does nothing when the last build was of the same things.
//   node scripts/build-addon.mjs [--source <folder>] [--output <folder>]
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { failure, run, SetupError } from './setup/command.mjs';
import { findLibtorch } from './setup/libtorch.mjs';

/** The step of set-up that builds `<output>/fovea_torch.node`, and `fovea_torch.json` beside it that says of what. */
export function addon({ root, log, env = process.env, source, output, libtorch = () => findLibtorch({ env }) }) {
  const folder = source ?? join(root, 'packages/torch/native');
  const target = output ?? join(root, 'packages/torch/build');
  const binary = join(target, 'fovea_torch.node');
  const record = join(target, 'fovea_torch.json');
  const compiler = env.CXX || 'g++';
  let plan = null;

  return {
    name: 'engine',
    missing() {
      plan = makePlan();
      if (plan === null) return 'after the system packages';
      const built = readRecord();
      return built?.hash === plan.hash && isUnchanged(built)
        ? null
        : `compiling against libtorch ${plan.torch.version}`;
    },
    note: () => `libtorch ${readRecord()?.libtorch.version}${readRecord()?.libtorch.cuda ? ', CUDA' : ''}`,
    async run(report) {
      plan ??= makePlan();
      if (plan === null) throw new SetupError('no libtorch was found', { hint: 'Set LIBTORCH=<folder> to one.' });
      const { torch, flags, sources, objects, link } = plan;
      mkdirSync(target, { recursive: true });
      report(`compiling against libtorch ${torch.version}`);
      const queue = sources.map((file, i) => [file, objects[i]]);
      const work = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const { code, output } = await run(compiler, [...flags, '-c', next[0], '-o', next[1]], { log });
          if (code !== 0) throw compileError(code, output);
        }
      };
      await Promise.all(cpus().map(work));
      report('linking');
      const partial = `${binary}.partial`;
      const linked = await run(compiler, [...objects, ...link, '-o', partial], { log });
      if (linked.code !== 0) throw failure('linking the engine', linked.output, log);
      await tryToLoad(partial);
      renameSync(partial, binary);
      const { size, mtimeMs } = statSync(binary);
      const { origin, root, version, cuda } = torch;
      const facts = {
        libtorch: { origin, root, version, cuda },
        torchvision: torch.torchvision,
        compiler: await compilerVersion(),
      };
      const text = JSON.stringify({ ...facts, hash: plan.hash, size, modified: mtimeMs }, null, 2);
      writeFileSync(`${record}.partial`, `${text}\n`);
      renameSync(`${record}.partial`, record);
      return `libtorch ${version}${cuda ? ', CUDA' : ''}`;
    },
  };

  /** What would be run, and a hash of all that the result depends on; null where there is no libtorch yet. */
  function makePlan() {
    const torch = libtorch();
    if (torch === null) return null;
    const files = readdirSync(folder)
      .filter((name) => /\.(cc|h)$/.test(name))
      .sort();
    const sources = files.filter((name) => name.endsWith('.cc')).map((name) => join(folder, name));
    const objects = sources.map((_, i) => join(target, `${files.filter((name) => name.endsWith('.cc'))[i]}.o`));
    const headers = join(root, 'node_modules/node-api-headers/include');
    // C++20 is what libtorch's headers need from 2.14 on; those of 1.13 take it too.
    const flags = [
      ...['-O2', '-std=c++20', '-fPIC', '-fvisibility=hidden', `-D_GLIBCXX_USE_CXX11_ABI=${torch.cxx11Abi ? 1 : 0}`],
      ...[headers, ...torch.include].flatMap((path) => ['-isystem', path]),
    ];
    const cuda = torch.cuda ? ['-ltorch_cuda', '-lc10_cuda'] : [];
    // CUDA's operators register themselves when their library is loaded: it must be linked though no symbol of it is named.
    const link = [
      ...['-shared', `-L${torch.lib}`, `-Wl,-rpath,${torch.lib}`, '-Wl,--no-as-needed'],
      ...['-ltorch', '-ltorch_cpu', ...cuda, '-lc10', '-ldl'],
    ];
    const hash = createHash('sha256').update(
      JSON.stringify([flags, link, torch.torchvision, torch.built, compilerFile()]),
    );
    for (const name of files) hash.update(name).update(readFileSync(join(folder, name)));
    return { torch, flags, sources, objects, link, hash: hash.digest('hex') };
  }

  function readRecord() {
    try {
      return JSON.parse(readFileSync(record, 'utf8'));
    } catch {
      return null; // none, or half written: the addon is built again
    }
  }

  function isUnchanged({ size, modified }) {
    if (!existsSync(binary)) return false;
    const facts = statSync(binary);
    return facts.size === size && facts.mtimeMs === modified;
  }

  function compilerFile() {
    const folders = compiler.includes('/') ? [''] : (env.PATH ?? '').split(delimiter);
    const path = folders.map((each) => join(each, compiler)).find((each) => existsSync(each));
    return path ? `${realpathSync(path)} ${statSync(path).size}` : null;
  }

  async function compilerVersion() {
    return (await run(compiler, ['--version'])).output[0] ?? compiler;
  }

  async function tryToLoad(path) {
    const script = `process.dlopen({ exports: {} }, ${JSON.stringify(path)})`;
    const { code, output } = await run(process.execPath, ['-e', script], { log });
    if (code === 0) return;
    const reason = output.find((line) => /Error: /.test(line)) ?? output.at(-1) ?? `exit code ${code}`;
    throw new SetupError(`the engine was built but does not load: ${reason.replace(/^.*Error: /, '')}`, {
      hint: `It was built against the libtorch in ${plan.torch.lib}; another one can be named with LIBTORCH=<folder>.`,
      log,
    });
  }

  function compileError(code, lines) {
    if (code === 127)
      return new SetupError(`there is no compiler ${compiler}`, { hint: 'Install g++, or name yours with CXX=.', log });
    const errors = lines.flatMap((line, i) => (/: (fatal )?error: /.test(line) ? [lines.slice(i, i + 3)] : []));
    if (errors.length === 0) return failure('compiling the engine', lines, log);
    const shown = errors.slice(0, 3).flat();
    const more = errors.length > 3 ? [`… and ${errors.length - 3} more errors`] : [];
    return new SetupError(
      [`the engine does not compile against libtorch ${plan.torch.version}:`, ...shown, ...more].join('\n'),
      { log },
    );
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
  const log = join(root, '.runtime/logs/engine.log');
  const step = addon({ root, log, source: option('--source'), output: option('--output') });
  try {
    const missing = step.missing();
    if (missing) console.error(`· ${missing}`);
    console.error(`✓ engine   ${missing ? await step.run(() => {}) : step.note()}`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(
      [`✗ ${error.message}`, error.hint, error.log && `The whole output: ${error.log}`].filter(Boolean).join('\n'),
    );
    process.exitCode = 1;
  }
}
