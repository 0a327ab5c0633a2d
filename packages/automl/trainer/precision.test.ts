import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { getRandomState, manualSeed } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { describeMeasurement, measurePrecision } from './precision.ts';
import { rememberedPrecision } from './remembered-precision.ts';
import { squaredOutputs } from './trial-steps.ts';

test('measuring leaves the model as it was', () => {
  manualSeed(1);
  const model = createModel('resnet18', { classes: 2 });
  const before = new Map([...model.stateDict()].map(([name, tensor]) => [name, tensor.clone()]));
  const measured = measurePrecision(model, { size: 32, device: 'cpu' });
  for (const [name, tensor] of model.stateDict()) assert.ok(tensor.equal(before.get(name) ?? tensor), name);
  assert.ok(model.parameters().every((parameter) => parameter.grad === null));
  const least = Math.min(...measured.milliseconds.map(({ value }) => value));
  assert.equal(measured.milliseconds.find(({ precision }) => precision === measured.precision)?.value, least);
  assert.match(describeMeasurement(measured), /^(bf16|fp32) (channels_last|contiguous) \(\d+ ms a step/);
});

test('a measurement is made once, so that a job computes the same each time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-precision-'));
  try {
    const model = createModel('resnet18', { classes: 2 });
    const options = { size: 32, device: 'cpu' };
    const rehearse = squaredOutputs(model, options);
    const first = rememberedPrecision(folder, 'resnet18', model, { ...options, rehearse });
    const random = getRandomState();
    assert.deepEqual(rememberedPrecision(folder, 'resnet18', model, { ...options, rehearse }), first);
    assert.deepEqual(getRandomState(), random, 'nothing was computed');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
