import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { failure, npmPatience, run, SetupError } from './command.mjs';

/**
 * Installs what `package-lock.json` names. Whether that is there already is read from npm's own record of what lies in `node_modules`,
 * which npm writes last: an interrupted installation has none.
 */
export function npmPackages({ root, log, env = process.env, platform = process.platform, arch = process.arch }) {
  return {
    name: 'npm packages',
    missing() {
      const wanted = Object.entries(readLock(join(root, 'package-lock.json'))).filter(
        ([path, entry]) => path.includes('node_modules/') && suits(entry, platform, arch),
      );
      const present = existsSync(join(root, 'node_modules/.package-lock.json'))
        ? readLock(join(root, 'node_modules/.package-lock.json'))
        : {};
      const lacking = wanted.filter(
        ([path, entry]) =>
          !existsSync(join(root, path)) ||
          present[path]?.version !== entry.version ||
          present[path]?.integrity !== entry.integrity,
      );
      return lacking.length === 0 ? null : `installing ${wanted.length} packages`;
    },
    note: () => '',
    async run(report) {
      let fetched = 0;
      const onLine = (line) => {
        if (/http fetch GET 200 .*\.tgz/.test(line)) report(`${++fetched} packages fetched`);
      };
      // The pinned Node runs npm: packages that ask for a newer Node than the machine's would be left out otherwise.
      const withNode = { ...env, PATH: `${join(root, '.runtime')}${delimiter}${env.PATH}` };
      const { code, output } = await run('npm', ['ci', '--loglevel=http', ...npmPatience], {
        log,
        onLine,
        env: withNode,
        cwd: root,
      });
      if (code === 127)
        throw new SetupError('npm is not installed', { hint: 'Install npm, then run the same command again.', log });
      if (/npm error code EUSAGE/.test(output.join('\n'))) {
        const hint = 'Run `npm install` once, which brings package-lock.json in step with package.json.';
        throw new SetupError('package-lock.json does not fit package.json', { hint, log });
      }
      if (code !== 0)
        throw failure(
          'npm ci',
          output.filter((line) => !/^npm (http|warn)/.test(line)),
          log,
        );
      return '';
    },
  };
}

function readLock(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
}

/** Whether npm installs the entry here: of the optional ones, those made for this very platform. */
function suits({ optional, os, cpu, libc }, platform, arch) {
  if (!optional) return true;
  return Boolean(os?.includes(platform) && cpu?.includes(arch) && (!libc || libc.includes('glibc')));
}
