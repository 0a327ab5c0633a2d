import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SetupError } from './command.mjs';

const multiarch = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/**
 * The libtorch that the engine is built against: `LIBTORCH=<folder>` (an unpacked libtorch, or a Python's site-packages/torch), else a
 * torch 2.x that `python3` imports, else Debian's libtorch-dev; null when there is none.
 *
 * @returns {{origin: string, root: string, version: string, include: string[], lib: string, cxx11Abi: boolean, cuda: boolean,
 *   torchvision: string | null} | null} `include` lists folders beyond the compiler's own; `torchvision` is its compiled operators.
 * @throws {SetupError} when LIBTORCH names a folder that holds no libtorch
 */
export function findLibtorch({ env = process.env, debian = '/usr' } = {}) {
  if (env.LIBTORCH) return givenLibtorch(env.LIBTORCH);
  return pythonLibtorch(env, debian) ?? debianLibtorch(debian);
}

/** As `findLibtorch`, but nothing of the system's packages: what is here before they are installed. */
export function findOwnLibtorch({ env = process.env, debian = '/usr' } = {}) {
  return env.LIBTORCH ? givenLibtorch(env.LIBTORCH) : pythonLibtorch(env, debian);
}

function givenLibtorch(folder) {
  const root = resolve(folder);
  const found = describe('LIBTORCH', root, join(root, 'include'), join(root, 'lib'), dirname(root));
  if (found) return found;
  const wanted = ['include/ATen', 'include/torch', 'lib/libtorch_cpu.so'];
  const lacking = wanted.filter((path) => !existsSync(join(root, path)));
  throw new SetupError(`LIBTORCH=${folder} holds no libtorch: ${lacking.join(', ')} not there`, {
    hint: "LIBTORCH must name an unpacked libtorch or a Python's site-packages/torch, with include/ and lib/ in it.",
  });
}

const asked = new WeakMap();

/** Asks python3 once where its torch lies, without importing it (that takes seconds). */
function pythonLibtorch(env, debian) {
  if (!asked.has(env)) asked.set(env, askPython(env));
  const found = asked.get(env);
  // Debian's own python3-torch is made of links to libtorch-dev, which counts as itself.
  return found?.library.startsWith(join(debian, 'lib', multiarch[process.arch] ?? '', '/')) ? null : found;
}

function askPython(env) {
  const script = [
    'import importlib.util',
    'spec = importlib.util.find_spec("torch")',
    'print(next(iter(spec.submodule_search_locations or []), "") if spec else "")',
  ].join('\n');
  const { status, stdout } = spawnSync('python3', ['-c', script], { env, encoding: 'utf8' });
  const root = status === 0 ? stdout.trim() : '';
  if (root === '') return null;
  const found = describe('python3', root, join(root, 'include'), join(root, 'lib'), dirname(root));
  return found && Number.parseInt(found.version, 10) >= 2 ? found : null;
}

function debianLibtorch(usr) {
  const lib = join(usr, 'lib', multiarch[process.arch] ?? '');
  return describe('libtorch-dev', usr, join(usr, 'include'), lib, join(usr, 'lib/python3/dist-packages'));
}

function describe(origin, root, include, lib, sitePackages) {
  // Newer ones only include the second in the first.
  const versionHeaders = ['torch/csrc/api/include/torch/version.h', 'torch/headeronly/version.h']
    .map((path) => join(include, path))
    .filter((path) => existsSync(path));
  const library = join(lib, 'libtorch_cpu.so');
  if (versionHeaders.length === 0 || !existsSync(join(include, 'ATen')) || !existsSync(library)) return null;
  return {
    origin,
    root,
    version: versionOf(versionHeaders.map((path) => readFileSync(path, 'utf8')).join('')),
    // A folder that the compiler searches anyway must not be named: it would come before the C++ library's own headers.
    include: [include, join(include, 'torch/csrc/api/include')].filter((path) => path !== '/usr/include'),
    lib: realpathSync(lib),
    // A constructor that takes a std::string: "Ss" is the string of before C++11 in a mangled name.
    cxx11Abi: !readFileSync(join(lib, 'libc10.so')).includes('_ZN3c105ErrorC1ENS_14SourceLocationESs'),
    cuda: existsSync(join(lib, 'libtorch_cuda.so')),
    torchvision: findTorchvision(sitePackages),
    library: realpathSync(library),
    built: fingerprint(library),
  };
}

function versionOf(header) {
  const part = (name) => header.match(new RegExp(`#define TORCH_VERSION_${name}\\s+(\\d+)`))?.[1] ?? '0';
  return `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
}

function findTorchvision(sitePackages) {
  const folder = join(sitePackages, 'torchvision');
  if (!existsSync(folder)) return null;
  const file = readdirSync(folder).find((name) => /^_C(\..+)?\.so$/.test(name));
  return file ? join(folder, file) : null;
}

function fingerprint(library) {
  const path = realpathSync(library);
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}
