import { optim, type Parameter } from '@fovea/torch';

/** Arguments of an optimiser as PyTorch names them. */
export interface TorchArguments {
  lr: number;
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  weight_decay?: number;
  maximize?: boolean;
  betas?: [number, number];
  eps?: number;
  amsgrad?: boolean;
}

export type AnyOptimizer = optim.SGD | optim.Adam | optim.AdamW;

/** Our optimiser for a recorded one. @throws Error for a type or an argument that we do not have */
export function makeOptimizer(type: string, parameters: Parameter[], args: TorchArguments): AnyOptimizer {
  const {
    lr: learningRate,
    weight_decay,
    momentum,
    dampening,
    nesterov,
    betas,
    eps,
    amsgrad,
    maximize,
    ...rest
  } = args;
  const [unknown] = Object.keys(rest);
  if (unknown) throw new Error(`the optimiser's argument "${unknown}" is not supported`);
  const given = <T extends object>(options: T): T =>
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
  const common = { learningRate, ...given({ weightDecay: weight_decay, maximize }) };
  switch (type) {
    case 'SGD':
      return new optim.SGD(parameters, { ...common, ...given({ momentum, dampening, nesterov }) });
    case 'Adam':
      return new optim.Adam(parameters, { ...common, ...given({ betas, eps, amsgrad }) });
    case 'AdamW':
      return new optim.AdamW(parameters, { ...common, ...given({ betas, eps, amsgrad }) });
    default:
      throw new Error(`the optimiser ${type} is not supported; supported: SGD, Adam, AdamW`);
  }
}
