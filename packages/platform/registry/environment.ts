import { invalid } from '../refusal.ts';
import type { AssetRow, TextMap } from '../store/index.ts';

/** What is kept of an environment, by the keys of REST: what runs here runs in Fovea's own. */
export interface EnvironmentSpec {
  readonly image?: string;
  readonly build?: { readonly contextUri: string; readonly dockerfilePath?: string };
  /** The text of a conda file. */
  readonly condaFile?: string;
  readonly osType?: 'Linux' | 'Windows';
  readonly autoRebuild?: string;
  readonly inferenceConfig?: object;
}

export interface NewEnvironment {
  readonly name: string;
  /** The next whole number when left out. */
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: TextMap | undefined;
  readonly properties?: TextMap | undefined;
  readonly spec: EnvironmentSpec;
}

/** @throws Refusal for an environment without an image and a build, or with both */
export function checkEnvironment({ image, build, condaFile }: EnvironmentSpec): void {
  if (image === undefined && build === undefined)
    throw invalid('an environment has an image or a build', 'properties.image');
  if (image !== undefined && build !== undefined)
    throw invalid('image and build at once; give one of them', 'properties.build');
  if (condaFile !== undefined && image === undefined)
    throw invalid('a conda file is for an image; a build has its own Dockerfile', 'properties.condaFile');
}

/** What is known of a version, with keys as people and `az ml` write them. */
export interface EnvironmentRecord {
  id: string;
  name: string;
  version: string;
  description?: string;
  image?: string;
  build?: { path: string; dockerfile_path: string };
  conda_file?: string;
  os_type: string;
  tags: Record<string, string>;
  properties: Record<string, string>;
  labels: string[];
  archived: boolean;
  creation_context: { created_at: string };
}

export function environmentRecord(row: AssetRow): EnvironmentRecord {
  const { image, build, condaFile, osType = 'Linux' } = row.spec as EnvironmentSpec;
  return {
    ...{ id: `azureml:${row.name}:${row.version}`, name: row.name, version: row.version },
    ...(row.description !== null && { description: row.description }),
    ...(image !== undefined && { image }),
    ...(build && { build: { path: build.contextUri, dockerfile_path: build.dockerfilePath ?? 'Dockerfile' } }),
    ...(condaFile !== undefined && { conda_file: condaFile }),
    ...{ os_type: osType.toLowerCase(), tags: row.tags, properties: row.properties },
    ...{ labels: row.labels, archived: row.archived },
    creation_context: { created_at: row.created_at },
  };
}
