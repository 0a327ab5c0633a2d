// Which package may import which, and nothing past what a package exports. Arrows point one way (ARCHITECTURE.md draws them).
//   .runtime/node scripts/check-imports.ts
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Package → the packages of ours that it may import. */
const directions: Record<string, readonly string[]> = {
  torch: [],
  data: [],
  // data: its parity check reads images as training does.
  vision: ['torch', 'data'],
  automl: ['torch', 'vision', 'data'],
  serving: ['vision', 'automl', 'data'],
  platform: ['automl', 'serving', 'data'],
  cli: ['automl', 'serving', 'data', 'platform'],
};

/** Longer files are named in a warning: a file is about one idea. */
const longFile = 500;

export interface Violation {
  file: string;
  line: number;
  message: string;
}

/** Looks at every TypeScript file below `root`; paths in the result are relative to it. */
export function checkImports(root: string): { violations: Violation[]; warnings: Violation[] } {
  const violations: Violation[] = [];
  const warnings: Violation[] = [];
  const sources = globSync('{packages,scripts,bench,examples}/**/*.{ts,mjs}', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|build|fixtures)$/.test(path),
  });
  const shared = dependencies(join(root, 'package.json'));
  const declared = new Map<string, Set<string>>();
  for (const file of sources.sort()) {
    const text = readFileSync(join(root, file), 'utf8');
    const lines = text.split('\n').length - 1;
    if (lines > longFile && !/\.(generated|gen)\.ts$/.test(file)) {
      warnings.push({ file, line: lines, message: `is ${lines} lines long; does it hold more than one idea?` });
    }
    const owner = packageOf(file);
    if (owner !== null && !declared.has(owner)) {
      declared.set(owner, dependencies(join(root, 'packages', owner, 'package.json')));
    }
    for (const { specifier, line } of imports(text)) {
      const message = owner
        ? wrong(root, specifier, file, owner, new Set([...shared, ...(declared.get(owner) ?? [])]))
        : wrongOutside(root, specifier, file);
      if (message) violations.push({ file, line, message });
    }
  }
  return { violations, warnings };
}

/** What is wrong with an import in a file of the package `owner`, or null. */
function wrong(root: string, specifier: string, file: string, owner: string, declared: Set<string>): string | null {
  const allowed = directions[owner];
  if (!allowed) return `packages/${owner} has no entry in scripts/check-imports.ts: say there what it may import`;
  if (specifier.startsWith('.')) {
    const target = targetOf(specifier, file);
    if (target.startsWith(`packages/${owner}/`)) return null;
    const other = packageOf(target);
    return other
      ? `imports ${target}; import @fovea/${other} instead`
      : `imports ${target}, which lies outside of packages/${owner}`;
  }
  if (specifier.startsWith('@fovea/')) {
    const [, other, ...deep] = specifier.split('/');
    if (other === owner) return `imports its own package by name; use a relative path`;
    if (!allowed.includes(other)) {
      const list = allowed.map((name) => `@fovea/${name}`).join(', ');
      return `imports @fovea/${other}, but ${owner} may import ${list || 'nothing of ours'}`;
    }
    return isExported(root, other, deep)
      ? null
      : `imports ${specifier}; only what @fovea/${other} itself exports is public`;
  }
  if (/^(node|data|file):/.test(specifier)) return null;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return declared.has(name) ? null : `imports ${name}, which packages/${owner}/package.json does not name`;
}

/** Scripts, benchmarks and examples use the packages as anybody does: by name. */
function wrongOutside(root: string, specifier: string, file: string): string | null {
  if (specifier.startsWith('@fovea/')) {
    const [, name, ...deep] = specifier.split('/');
    return isExported(root, name, deep)
      ? null
      : `imports ${specifier}; only what @fovea/${name} itself exports is public`;
  }
  const other = specifier.startsWith('.') ? packageOf(targetOf(specifier, file)) : null;
  return other ? `imports a file of packages/${other}; import @fovea/${other} instead` : null;
}

/** A package's index, and the parts that its package.json exports beside it (those that do not load the engine). */
function isExported(root: string, name: string, deep: readonly string[]): boolean {
  if (deep.length === 0) return true;
  const { exports } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  return typeof exports === 'object' && Object.hasOwn(exports, `./${deep.join('/')}`);
}

function targetOf(specifier: string, file: string): string {
  return relative(resolve('/'), resolve('/', dirname(file), specifier));
}

function packageOf(path: string): string | null {
  return path.match(/^packages\/([^/]+)\//)?.[1] ?? null;
}

function dependencies(path: string): Set<string> {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(path, 'utf8'));
  return new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)]);
}

/** Static, dynamic and re-exporting imports with a literal name; comments are not looked into. */
export function imports(text: string): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = [];
  const patterns = [/^\s*(?:import|export|\})[^'"\n]*?['"]([\w@./:#~-]+)['"]/, /\bimport\(\s*['"]([\w@./:#~-]+)['"]/];
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue;
    const [statement, dynamic] = patterns;
    const match = (/^\s*import\s*['"]|\bfrom\s*['"]/.test(line) ? line.match(statement) : null) ?? line.match(dynamic);
    if (match) found.push({ specifier: match[1], line: i + 1 });
  }
  return found;
}

if (import.meta.main) {
  const { violations, warnings } = checkImports(fileURLToPath(new URL('..', import.meta.url)));
  for (const { file, line, message } of warnings) console.log(`warning: ${file}:${line}  ${message}`);
  for (const { file, line, message } of violations) console.log(`${file}:${line}  ${message}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
