import { oneOf, section, text, textMap } from '@fovea/automl/yaml';
import { z } from 'zod';
import type { ReadOptions, ReadSpec } from '../endpoints/spec/read-spec.ts';
import { type PlainFile, readPlainFile } from '../yaml-file.ts';

const version = () => z.preprocess((value) => (typeof value === 'number' ? String(value) : value), text()).optional();

const schema = section({
  $schema: z.unknown().optional(),
  name: text(),
  version: version(),
  description: text().optional(),
  tags: textMap().optional(),
  properties: textMap().optional(),
  image: text().optional(),
  conda_file: z
    .union([text(), z.record(z.string(), z.unknown())], { error: () => 'must be the path of a file, or what it holds' })
    .optional(),
  build: section({ path: text(), dockerfile_path: text().optional() }).optional(),
  os_type: oneOf(['linux', 'windows']).optional(),
  inference_config: z.record(z.string(), z.unknown()).optional(),
});

/** An environment as a file says it: `conda_file` is a path, or what the file holds. */
export type EnvironmentFile = z.output<typeof schema>;

const environmentFile: PlainFile<EnvironmentFile, EnvironmentFile> = {
  file: {
    thing: 'environment',
    aThing: 'an environment',
    needs: 'name, and image or build',
    begins: 'name: …, image: …',
    assignment: 'tags.owner=me',
  },
  schema,
  required: ['name'],
  make: (checked) => checked,
  rules({ image, build, conda_file }) {
    const problem = (key: string, message: string) => [{ code: 'rule', path: [key], on: 'key' as const, message }];
    if (image !== undefined && build !== undefined)
      return problem('build', 'image and build at once; give one of them');
    if (image === undefined && build === undefined)
      return [{ code: 'missing', path: [], message: 'an environment has an image or a build' }];
    if (conda_file === undefined || image !== undefined) return [];
    return problem('conda_file', 'a conda file is for an image; a build has its own Dockerfile');
  },
};

/**
 * Reads the file of an environment, as `az ml environment create` takes it: every problem at once. Never throws, whatever the text.
 * @param source null: the command line says all
 */
export const readEnvironmentFile = (source: string | null, options: ReadOptions): ReadSpec<EnvironmentFile> =>
  readPlainFile(environmentFile, source, options);
