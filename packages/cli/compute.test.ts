// Computes, environments and datastores by the words of the command line, over a real workspace.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from './program.ts';
import { installedServices } from './services.ts';

async function workspace(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-compute-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = async (name: string, lines: readonly string[]) => {
    await writeFile(join(folder, name), `${lines.join('\n')}\n`);
    return join(folder, name);
  };
  const fovea = async (...args: string[]) => {
    const written = { out: '', err: '' };
    const channel = (name: keyof typeof written) => ({
      ...{ isTerminal: false, columns: () => 100 },
      write: (text: string) => {
        written[name] += text;
      },
      paint: (_: unknown, text: string) => text,
    });
    const terminal = { out: channel('out'), err: channel('err'), flush: async () => {} };
    const words = [...args, '--workspace', join(folder, 'workspace')];
    const code = await run(words, { terminal, services: installedServices });
    return { code, ...written };
  };
  /** What a command answers, which says nothing else. */
  const answer = async (...args: string[]) => {
    const { code, out, err } = await fovea(...args, '-o', 'json');
    assert.deepEqual([code, err], [0, ''], args.join(' '));
    return JSON.parse(out);
  };
  return { fovea, answer, file };
}

test('a cluster is made, looked at, changed and removed', async (t) => {
  const { fovea, answer, file } = await workspace(t);
  const made = await answer('ml', 'compute', 'create', '--name', 'gpu', '--type', 'AmlCompute', '--max-instances', '2');
  assert.deepEqual(
    [made.name, made.type, made.max_instances, made.provisioning_state],
    ['gpu', 'amlcompute', 2, 'Succeeded'],
  );
  const changed = await answer(
    'compute',
    'update',
    '-n',
    'gpu',
    '--max-instances',
    '3',
    '--set',
    'tags.a=b',
    '--no-wait',
  );
  assert.deepEqual([changed.max_instances, changed.tags, changed.created_on], [3, { a: 'b' }, made.created_on]);
  assert.deepEqual(await answer('compute', 'show', '-n', 'gpu'), changed);
  await answer('compute', 'create', '-f', await file('mine.yml', ['name: mine', 'type: computeinstance']));
  assert.deepEqual(
    (await fovea('compute', 'list', '-o', 'tsv')).out,
    'gpu\tamlcompute\t3\tSucceeded\nmine\tcomputeinstance\t1\tRunning\n',
  );
  assert.equal((await answer('compute', 'list', '--type', 'AmlCompute')).length, 1);
  assert.equal((await fovea('compute', 'stop', '--name', 'mine')).err, '  mine: stopped\n');
  assert.equal((await answer('compute', 'show', '-n', 'mine')).state, 'Stopped');
  await answer('compute', 'update', '-n', 'mine', '--description', 'a desk');
  assert.equal((await answer('compute', 'show', '-n', 'mine')).state, 'Stopped', 'a change does not start it');
  const nodes = await answer('compute', 'list-nodes', '-n', 'gpu');
  assert.deepEqual(nodes[2], { node_id: 'gpu-2', node_state: 'idle', run_id: null });
  assert.match((await fovea('compute', 'delete', '--name', 'gpu')).err, /nobody to ask whether to delete/);
  assert.equal((await fovea('compute', 'delete', '--name', 'gpu', '--yes')).err, '  gpu: deleted\n');
  assert.match((await fovea('compute', 'show', '-n', 'gpu')).err, /there is no compute gpu; there is mine/);
});

test('what has no effect is warned of, and what would mislead is refused', async (t) => {
  const { fovea, file } = await workspace(t);
  const yaml = await file('c.yml', [
    ...['$schema: https://azuremlschemas.azureedge.net/latest/amlCompute.schema.json', 'name: gpu', 'type: amlcompute'],
    ...[
      'size: STANDARD_NC6',
      'min_instances: 1',
      'max_instances: 4',
      'idle_time_before_scale_down: 120',
      'tier: low_priority',
    ],
  ]);
  const { code, err } = await fovea('compute', 'create', '--file', yaml);
  assert.equal(code, 0);
  for (const key of ['size', 'min_instances', 'idle_time_before_scale_down', 'tier'])
    assert.match(err, new RegExp(`${key} has no effect here`));
  const bad = await file('bad.yml', [
    ...['name: gpu', 'type: amlcompute', 'max_instances: 0', 'ssh_public_access_enabled: true', 'network_settings:'],
    ...['  vnet_name: v', 'sise: x'],
  ]);
  const refused = await fovea('compute', 'create', '--file', bad);
  assert.equal(refused.code, 1);
  for (const words of [
    /5 │ network_settings/,
    /Fovea makes no networks/,
    /gives nobody access/,
    /did you mean size/,
    /max_instances must be a whole number from 1/,
  ])
    assert.match(refused.err, words);
  const cases: [string[], RegExp][] = [
    [['--name', 'x', '--type', 'Kubernetes'], /type must be amlcompute or computeinstance/],
    [['--name', 'x', '--type', 'AmlCompute', '--vnet-name', 'v'], /--vnet-name: Fovea makes no networks/],
    [['--name', 'x', '--type', 'AmlCompute', '--admin-password', 'p'], /--admin-password: Fovea makes no accounts/],
    [['--name', 'x', '--type', 'ComputeInstance', '--max-instances', '2'], /max_instances is for amlcompute/],
    [['--name', 'x', '--type', 'AmlCompute', '--min-instances', '5'], /min_instances is 5, and max_instances 4/],
    [['--name', 'local', '--type', 'AmlCompute'], /local is the machine itself/],
    [['--type', 'AmlCompute'], /name is missing/],
  ];
  for (const [args, message] of cases) {
    const answer = await fovea('compute', 'create', ...args);
    assert.notEqual(answer.code, 0, args.join(' '));
    assert.match(answer.err, message);
  }
  assert.match((await fovea('compute', 'attach', '--name', 'x')).err, /fovea compute attach is not in this release/);
});

test('a job that names a compute that exists is not warned of it', async (t) => {
  const { fovea, file } = await workspace(t);
  const job = await file('job.yml', [
    ...['type: automl', 'task: image_classification', 'target_column_name: label', 'training_data: {path: nowhere}'],
    ...['training_parameters: {model_name: resnet18}', 'compute: azureml:gpu-cluster'],
  ]);
  const warning = /runs on this machine, not on azureml:gpu-cluster/;
  assert.match((await fovea('job', 'validate', '--file', job)).err, warning);
  await fovea('compute', 'create', '--name', 'gpu-cluster', '--type', 'AmlCompute');
  assert.doesNotMatch((await fovea('job', 'validate', '--file', job)).err, warning);
});

test('environments are kept for who looks them up, with what their conda file holds', async (t) => {
  const { fovea, answer, file } = await workspace(t);
  await file('conda.yml', ['dependencies: [python=3.10]']);
  const yaml = await file('env.yml', ['name: torch', 'version: 3', 'image: a/b:1', 'conda_file: conda.yml']);
  const made = await answer('environment', 'create', '--file', yaml, '--set', 'tags.owner=me');
  assert.deepEqual(
    [made.id, made.image, made.conda_file],
    ['azureml:torch:3', 'a/b:1', 'dependencies: [python=3.10]\n'],
  );
  const inline = await answer('environment', 'create', '--name', 'torch', '--image', 'a/b:2', '--os-type', 'Linux');
  assert.equal(inline.version, '4');
  assert.equal((await answer('environment', 'show', '--name', 'torch', '--label', 'latest')).image, 'a/b:2');
  const updated = await answer('environment', 'update', '-n', 'torch', '-v', '3', '--set', 'description=old');
  assert.deepEqual([updated.description, updated.tags], ['old', { owner: 'me' }]);
  await fovea('environment', 'archive', '--name', 'torch', '--version', '4');
  assert.deepEqual(
    (await answer('environment', 'list')).map(({ version }: { version: string }) => version),
    ['3'],
  );
  const built = await answer(
    'environment',
    'create',
    '-n',
    'own',
    '--build-context',
    'docker',
    '--dockerfile-path',
    'D',
  );
  assert.match(built.build.path, /\/docker$/);
  const cases: [string[], RegExp][] = [
    [['--file', yaml], /there is a environment torch, version 3 already|there is an environment/],
    [['--name', 'x'], /has an image or a build/],
    [['--name', 'x', '--image', 'i', '--build-context', 'd'], /image and build at once/],
    [['--name', 'x', '--image', 'i', '--conda-file', 'nowhere.yml'], /nowhere\.yml cannot be read/],
    [['--name', 'x', '--image', 'i', '--os-type', 'beos'], /os_type must be linux or windows/],
  ];
  for (const [args, message] of cases) {
    const refused = await fovea('environment', 'create', ...args);
    assert.notEqual(refused.code, 0, args.join(' '));
    assert.match(refused.err, message);
  }
});

test('the datastore of a workspace is a folder in it, and there is no other', async (t) => {
  const { fovea, answer } = await workspace(t);
  const [one] = await answer('datastore', 'list');
  assert.deepEqual(await answer('datastore', 'show', '--name', 'workspaceblobstore'), one);
  assert.match(one.path, /workspace\/datastores\/workspaceblobstore$/);
  assert.match(
    (await fovea('datastore', 'show', '--name', 'other')).err,
    /there is no datastore "other"; there is work/,
  );
  const { code, err } = await fovea('datastore', 'create', '--file', 'blob.yml');
  assert.equal(code, 2);
  assert.match(err, /has the datastore workspaceblobstore and no other\n.*fovea data create/);
});
