import assert from 'node:assert/strict';
import { test } from 'node:test';
import recorded from '../fixtures/optim/schedules.json' with { type: 'json' };
import { stepSchedule, warmupCosineSchedule } from './index.ts';

function assertClose(found: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(found[i] - value) <= 1e-8 * Math.abs(value), `position ${i}: ${found[i]}, not ${value}`);
  }
}

for (const { step_size: stepSize, gamma, base_lr, lr_per_epoch } of recorded.step) {
  test(`the step schedule is PyTorch's: ${gamma} every ${stepSize} epochs`, () => {
    const schedule = stepSchedule({ stepSize, gamma });
    assertClose(
      lr_per_epoch.map((_, epoch) => base_lr * schedule(epoch)),
      lr_per_epoch,
    );
  });
}

for (const one of recorded.warmup_cosine) {
  const { num_warmup_steps: warmupSteps, num_training_steps: totalSteps, num_cycles: cycles } = one;
  test(`warm-up over ${warmupSteps} steps, then ${cycles} waves of cosine`, () => {
    const schedule = warmupCosineSchedule({ warmupSteps, totalSteps, cycles });
    const expected = [...one.lr_of_iteration, one.lr_after_last];
    assertClose(
      expected.map((_, step) => one.base_lr * schedule(step)),
      expected,
    );
  });
}
