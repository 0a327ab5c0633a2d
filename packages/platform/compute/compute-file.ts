import { oneOf, type Problem, section, text, textMap, trueOrFalse, wholeNumber } from '@fovea/automl/yaml';
import { z } from 'zod';
import type { ReadOptions, ReadSpec } from '../endpoints/spec/read-spec.ts';
import { type PlainFile, readPlainFile } from '../yaml-file.ts';
import { type NewCompute, withoutEffect } from './named-compute.ts';

const anything = () => z.unknown().optional();

const schema = section({
  $schema: anything(),
  name: text(),
  type: oneOf(['amlcompute', 'computeinstance']),
  description: text().optional(),
  tags: textMap().optional(),
  size: text().optional(),
  location: text().optional(),
  tier: oneOf(['dedicated', 'low_priority']).optional(),
  min_instances: wholeNumber({ min: 0, max: 10_000 }).optional(),
  max_instances: wholeNumber({ min: 1, max: 10_000 }).optional(),
  idle_time_before_scale_down: wholeNumber({ min: 0, max: 1e9 }).optional(),
  identity: anything(),
  network_settings: anything(),
  subnet: anything(),
  ssh_public_access_enabled: trueOrFalse().optional(),
  ssh_settings: anything(),
  enable_node_public_ip: trueOrFalse().optional(),
  schedules: anything(),
  setup_scripts: anything(),
  create_on_behalf_of: anything(),
  idle_time_before_shutdown_minutes: anything(),
});

type Checked = z.output<typeof schema>;

const noAccess = 'Fovea gives nobody access to this machine, and makes no accounts';

const computeFile: PlainFile<Checked, NewCompute> = {
  file: {
    thing: 'compute',
    aThing: 'a compute',
    needs: 'name and type',
    begins: 'name: …, type: amlcompute',
    assignment: 'max_instances=4',
  },
  schema,
  required: ['name', 'type'],
  // What somebody would rely on who says it, and what a machine of one's own cannot be.
  refused: {
    network_settings: 'Fovea makes no networks',
    subnet: 'Fovea makes no networks',
    ssh_public_access_enabled: noAccess,
    ssh_settings: noAccess,
    schedules: 'a name for this machine is not started and stopped by the clock',
    setup_scripts: 'jobs run on this machine as it is',
    create_on_behalf_of: 'a compute here belongs to nobody',
  },
  make: computeOf,
  rules,
};

/**
 * Reads the file of a compute, as `az ml compute create` takes it: every problem at once. Never throws, whatever the text.
 * @param source null: the command line says all
 */
export const readComputeFile = (source: string | null, options: ReadOptions): ReadSpec<NewCompute> =>
  readPlainFile(computeFile, source, options);

function computeOf(checked: Checked): NewCompute {
  const { name, description, tags, size, location, tier } = checked;
  return {
    ...{ name, description, tags, size, location },
    type: checked.type === 'amlcompute' ? 'AmlCompute' : 'ComputeInstance',
    tier: tier === undefined ? undefined : tier === 'dedicated' ? 'Dedicated' : 'LowPriority',
    ...{ minInstances: checked.min_instances, maxInstances: checked.max_instances },
    idleSeconds: checked.idle_time_before_scale_down,
  };
}

function rules(compute: NewCompute, said: Readonly<Record<string, unknown>>): Problem[] {
  const noEffect = (key: string, message: string): Problem => {
    return { code: 'no-effect', severity: 'warning', path: [key], on: 'key', message };
  };
  const words = withoutEffect(compute).flatMap((each) => {
    const [, key = '', why = ''] = /^(\w+): (.*)$/s.exec(each) ?? [];
    return said[key] === undefined ? [] : [noEffect(key, `${key} has no effect here: ${why}`)];
  });
  const unused = ['identity', 'enable_node_public_ip', 'idle_time_before_shutdown_minutes'].filter(
    (key) => said[key] !== undefined,
  );
  words.push(...unused.map((key) => noEffect(key, `${key} has no effect here: this is the machine as it is`)));
  const { type, minInstances = 0, maxInstances = 4 } = compute;
  if (type === 'AmlCompute' && minInstances > maxInstances) {
    const message = `min_instances is ${minInstances}, and max_instances ${maxInstances}`;
    words.push({ code: 'rule', path: ['min_instances'], message });
  }
  const ofClusters = ['max_instances', 'min_instances', 'idle_time_before_scale_down', 'tier'];
  for (const key of type === 'ComputeInstance' ? ofClusters : []) {
    if (said[key] === undefined || (key === 'max_instances' && maxInstances === 1)) continue;
    words.push({
      code: 'rule',
      path: [key],
      on: 'key',
      message: `${key} is for amlcompute: a computeinstance is one machine`,
    });
  }
  return words;
}
