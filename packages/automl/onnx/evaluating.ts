import { autocast, type nn, noGrad } from '@fovea/torch';

/** Runs `work` with every module in evaluation mode, without gradients or autocast, and puts the modes back. */
export function evaluating<T>(model: nn.AnyModule, work: () => T): T {
  const modes = [...model.namedModules().values()].map((module) => ({ module, training: module.training }));
  const [device] = deviceOf(model).split(':');
  model.eval();
  try {
    return noGrad(() => autocast({ device, enabled: false }, work));
  } finally {
    for (const { module, training } of modes) module.training = training;
  }
}

/** Where a model's parameters are. */
export const deviceOf = (model: nn.AnyModule): string => model.parameters()[0]?.device ?? 'cpu';
