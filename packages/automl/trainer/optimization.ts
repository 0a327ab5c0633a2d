import { type nn, optim } from '@fovea/torch';
import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';

export type OptimizerSettings = Pick<
  Hyperparameters,
  'optimizer' | 'learning_rate' | 'weight_decay' | 'momentum' | 'nesterov' | 'beta1' | 'beta2' | 'ams_gradient'
>;

export type ScheduleSettings = Pick<
  Hyperparameters,
  | 'number_of_epochs'
  | 'learning_rate_scheduler'
  | 'step_lr_step_size'
  | 'step_lr_gamma'
  | 'warmup_cosine_lr_warmup_epochs'
  | 'warmup_cosine_lr_cycles'
>;

/**
 * The optimiser that the hyperparameters name, over all parameters that are not frozen.
 *
 * @param options.decaysWeightsOnly weight decay leaves biases and normalisations alone: what has one dimension (He et al. 2018,
 *   section 3.1, https://arxiv.org/abs/1812.01187). Default false.
 */
export function createOptimizer(
  model: nn.AnyModule,
  hp: OptimizerSettings,
  { decaysWeightsOnly = false } = {},
): optim.Optimizer<optim.GroupOptions> {
  const learning = model.parameters().filter((parameter) => parameter.requiresGrad);
  const spared = decaysWeightsOnly ? learning.filter(({ shape }) => shape.length <= 1) : [];
  const decayed = learning.filter((parameter) => !spared.includes(parameter));
  const parameters = spared.length > 0 ? [...decayed, { parameters: spared, weightDecay: 0 }] : decayed;
  const common = { learningRate: hp.learning_rate, weightDecay: hp.weight_decay };
  switch (hp.optimizer) {
    case 'adam':
      return new optim.Adam(parameters, { ...common, betas: [hp.beta1, hp.beta2], amsgrad: hp.ams_gradient });
    case 'adamw':
      return new optim.AdamW(parameters, { ...common, betas: [hp.beta1, hp.beta2], amsgrad: hp.ams_gradient });
    case 'sgd':
      return new optim.SGD(parameters, { ...common, momentum: hp.momentum, nesterov: hp.nesterov });
  }
}

/** The factor on the learning rate at an optimiser step, counted from 0 over all epochs. */
export function learningRateFactor(
  hp: ScheduleSettings,
  at: { step: number; epoch: number; stepsPerEpoch: number },
): number {
  if (hp.learning_rate_scheduler === 'step') {
    return optim.stepSchedule({ stepSize: hp.step_lr_step_size, gamma: hp.step_lr_gamma })(at.epoch);
  }
  return optim.warmupCosineSchedule({
    warmupSteps: hp.warmup_cosine_lr_warmup_epochs * at.stepsPerEpoch,
    totalSteps: hp.number_of_epochs * at.stepsPerEpoch,
    cycles: hp.warmup_cosine_lr_cycles,
  })(at.step);
}
