import { optim, Parameter, tensor, tidy } from '@fovea/torch';
import * as check from './check.ts';
import { makeOptimizer, type TorchArguments } from './torch-optimizer.ts';

type Check = check.Check;

/** `optim/trajectories.json`: f(x) = ½ Σ w (x − c)², w = a except at the second step, where w = 3a. */
export interface TrajectoriesFile {
  a: number[];
  c: number[];
  x0: number[];
  tolerance_rel: number;
  cases: {
    name: string;
    type: string;
    args: TorchArguments;
    loss_before_each_step: number[];
    x_after_each_step: number[][];
    final_state: Record<string, number[]>;
  }[];
}

export function* checkTrajectories(file: TrajectoriesFile): Iterable<Check> {
  for (const one of file.cases) yield* tidy(() => trajectory(one, file));
}

function trajectory(one: TrajectoriesFile['cases'][number], { a, c, x0, tolerance_rel }: TrajectoriesFile): Check[] {
  const x = new Parameter(tensor(x0));
  const [weight, centre] = [tensor(a), tensor(c)];
  const optimizer = makeOptimizer(one.type, [x], one.args);
  const losses: number[] = [];
  const positions: number[] = [];
  for (const step of one.loss_before_each_step.keys()) {
    const loss = x
      .sub(centre)
      .square()
      .mul(weight)
      .sum()
      .mul(step === 1 ? 1.5 : 0.5);
    losses.push(loss.item());
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    positions.push(...check.numbers(x));
  }
  const { tensors, settings } = optimizer.stateDict();
  const stateOf = (name: string): number[] => {
    const found = tensors.get(`0.${name}`);
    return found ? check.numbers(found) : [];
  };
  const state = Object.entries(one.final_state).map(([name, values]) => {
    const found = name === 'step' ? settings.steps : stateOf(name);
    return check.within(`${one.name} ${name}`, check.relative(values, found), tolerance_rel);
  });
  return [
    check.within(`${one.name} losses`, check.relative(one.loss_before_each_step, losses), tolerance_rel),
    check.within(`${one.name} x`, check.relative(one.x_after_each_step.flat(), positions), tolerance_rel),
    ...state,
  ];
}

/** `optim/schedules.json` */
export interface SchedulesFile {
  step: { step_size: number; gamma: number; base_lr: number; lr_per_epoch: number[] }[];
  warmup_cosine: {
    base_lr: number;
    num_warmup_steps: number;
    num_training_steps: number;
    num_cycles: number;
    lr_of_iteration: number[];
    lr_after_last?: number;
  }[];
  tolerance_rel: number;
}

export function* checkSchedules(file: SchedulesFile): Iterable<Check> {
  for (const { step_size: stepSize, gamma, base_lr, lr_per_epoch } of file.step) {
    const schedule = optim.stepSchedule({ stepSize, gamma });
    const rates = lr_per_epoch.map((_, epoch) => base_lr * schedule(epoch));
    yield check.within(`step ${stepSize} × ${gamma}`, check.relative(lr_per_epoch, rates), file.tolerance_rel);
  }
  for (const one of file.warmup_cosine) {
    const { num_warmup_steps: warmupSteps, num_training_steps: totalSteps, num_cycles: cycles } = one;
    const schedule = optim.warmupCosineSchedule({ warmupSteps, totalSteps, cycles });
    const recorded = [...one.lr_of_iteration, ...(one.lr_after_last === undefined ? [] : [one.lr_after_last])];
    const rates = recorded.map((_, step) => one.base_lr * schedule(step));
    const name = `warm-up ${warmupSteps} of ${totalSteps}, ${cycles} cycles`;
    yield check.within(name, check.relative(recorded, rates), file.tolerance_rel);
  }
}
