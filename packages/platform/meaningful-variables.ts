import { resolve } from 'node:path';

/** What the processes of a job are told of the environment in which it was submitted. A folder is one there, too. */
export function meaningfulVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const isMeant = (name: string) =>
    (name.startsWith('FOVEA_') && name !== 'FOVEA_DATABASE' && name !== 'FOVEA_HOME') ||
    ['LIBTORCH', 'XDG_CACHE_HOME'].includes(name);
  const folders = ['FOVEA_WEIGHTS', 'LIBTORCH', 'XDG_CACHE_HOME'];
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      isMeant(name) && value ? [[name, folders.includes(name) ? resolve(value) : value]] : [],
    ),
  );
}
