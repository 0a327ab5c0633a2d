// Brings a fresh clone to work: system packages, Node 24, npm packages, the engine. Does only what is missing, so it can be run at any
// time, also after an interruption. Runs on Node 18 and newer without any package.
//   node scripts/setup.mjs [--quiet]      --quiet: says nothing when there is nothing to do
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addon } from './build-addon.mjs';
import { npmPackages } from './setup/npm-packages.mjs';
import { pinnedNode } from './setup/pinned-node.mjs';
import { createScreen } from './setup/screen.mjs';
import { setUp } from './setup/steps.mjs';
import { systemPackages } from './setup/system-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const log = (name) => join(root, '.runtime/logs', `${name}.log`);

const system = { ...systemPackages({ log: log('system-packages') }), log: log('system-packages'), after: [] };
const node = { ...pinnedNode({ root, log: log('node') }), log: log('node'), after: [] };
const npm = { ...npmPackages({ root, log: log('npm') }), log: log('npm'), after: [node] };
const engine = { ...addon({ root, log: log('engine') }), log: log('engine'), after: [system, node, npm] };

process.exitCode = await setUp([system, node, npm, engine], {
  screen: createScreen(process.stderr, { width: 15 }),
  lock: join(root, '.runtime/setup.lock'),
  quiet: process.argv.includes('--quiet'),
});
