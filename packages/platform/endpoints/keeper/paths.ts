import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../place.ts';
import { invalid } from '../../refusal.ts';

/** A deployment of an endpoint, by their names. */
export interface DeploymentName {
  readonly endpoint: string;
  readonly deployment: string;
}

type Folder = Pick<Place, 'folder'>;

/** What names of endpoints and deployments are made of; no such name leads out of a folder. */
const safe = /^[a-zA-Z][a-zA-Z0-9-]{0,62}$/;

/** What belongs to a deployment and is gone with it. @throws Refusal for what cannot be a name */
export function deploymentFolderOf({ folder }: Folder, { endpoint, deployment }: DeploymentName): string {
  for (const name of [endpoint, deployment]) {
    if (!safe.test(name))
      throw invalid(`${JSON.stringify(name)} cannot be the name of an endpoint or deployment`, 'name');
  }
  return join(folder, 'endpoints', endpoint, deployment);
}

export const logFolderOf = (place: Folder, name: DeploymentName): string =>
  join(deploymentFolderOf(place, name), 'logs');

/** What was done before instances were started. */
export const storageInitializerLogOf = (place: Folder, name: DeploymentName): string =>
  join(logFolderOf(place, name), 'storage-initializer.log');

/** What an instance says: lines of JSON. What it said before is in a file beside it that ends in `.1`. */
export const inferenceServerLogOf = (place: Folder, name: DeploymentName, instance: number): string =>
  join(logFolderOf(place, name), `inference-server-${instance}.log`);

/** Files of what all instances of a deployment said, by their numbers, of each the older one first. */
export function inferenceServerLogs(place: Folder, name: DeploymentName): { instance: number; path: string }[] {
  const folder = logFolderOf(place, name);
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  return files
    .flatMap((file) => {
      const [, number, older] = /^inference-server-(\d+)\.log(\.1)?$/.exec(file) ?? [];
      return number === undefined
        ? []
        : [{ instance: Number(number), older: older !== undefined, path: join(folder, file) }];
    })
    .sort((a, b) => a.instance - b.instance || Number(b.older) - Number(a.older))
    .map(({ instance, path }) => ({ instance, path }));
}

/** Where requests and answers are kept that a deployment's data collector chose: a folder for each collection. */
export const collectedDataFolderOf = (place: Folder, name: DeploymentName): string =>
  join(deploymentFolderOf(place, name), 'collected-data');
