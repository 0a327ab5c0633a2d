import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placement, shareOf, visibleGpus } from './local-machine.ts';

const limits = (max_concurrent_trials: number, max_trials = 100) => ({
  ...{ max_concurrent_trials, max_trials, timeout_minutes: 60 },
});

test('cores are shared by the trials that a job asks for, and none has less than one', () => {
  const machine = { cores: 8, gpus: [] };
  assert.deepEqual(shareOf(machine, limits(1)), { concurrent: 1, threads: 8, wanted: { cpu: 8 }, instanceOf: null });
  assert.deepEqual(shareOf(machine, limits(3)), { concurrent: 3, threads: 2, wanted: { cpu: 2 }, instanceOf: null });
  assert.deepEqual(shareOf(machine, limits(20)), { concurrent: 8, threads: 1, wanted: { cpu: 1 }, instanceOf: null });
  assert.deepEqual(shareOf(machine, limits(20, 2)), {
    concurrent: 2,
    threads: 4,
    wanted: { cpu: 4 },
    instanceOf: null,
  });
});

test('a trial has a GPU for itself', () => {
  const machine = { cores: 16, gpus: ['4', '7'] };
  const share = shareOf(machine, limits(4));
  assert.deepEqual(share, { concurrent: 2, threads: 8, wanted: { gpu: 1 }, instanceOf: null });
  assert.deepEqual(placement(machine, share, [{ kind: 'gpu', number: 1 }]), {
    device: 'cuda:7',
    environment: { OMP_NUM_THREADS: '8', CUDA_VISIBLE_DEVICES: '7' },
  });
  assert.deepEqual(placement({ gpus: [] }, { threads: 1 }, [{ kind: 'cpu', number: 0 }]), {
    device: 'cpu: 1 thread',
    environment: { OMP_NUM_THREADS: '1' },
  });
});

test('GPUs are those that CUDA_VISIBLE_DEVICES leaves, or all that nvidia-smi lists', () => {
  const list = () =>
    'GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)\n  MIG 1g.18gb Device 0: (UUID: MIG-3)\n';
  assert.deepEqual(visibleGpus({}, list), ['0', '1']);
  assert.deepEqual(
    visibleGpus({}, () => ''),
    [],
  );
  assert.deepEqual(visibleGpus({ CUDA_VISIBLE_DEVICES: '1' }, list), ['1']);
  assert.deepEqual(visibleGpus({ CUDA_VISIBLE_DEVICES: 'GPU-2, 0' }, list), ['GPU-2', '0']);
  assert.deepEqual(visibleGpus({ CUDA_VISIBLE_DEVICES: '' }, list), []);
  assert.deepEqual(visibleGpus({ CUDA_VISIBLE_DEVICES: '0,-1,1' }, list), ['0']);
});
