import { nn, noGrad, type Tensor, tensor as tensorOf, tidy } from '@fovea/torch';
import { createModel } from '../registry.ts';
import * as check from './check.ts';
import { fillModel, type Gains, generatedInput } from './fill.ts';
import { makeOptimizer, type TorchArguments } from './torch-optimizer.ts';
import { gradients, named, type RecordedGradients, type RecordedStatistics, runningStatistics } from './train-step.ts';

type Check = check.Check;
type Recorded = check.RecordedTensor;

/** A classifier's file, `torchvision/` or `timm/`. */
export interface ClassifierFile extends Gains {
  model: string;
  constructor: { num_classes: number };
  param_count: number;
  state_dict: [name: string, dtype: string, shape: number[]][];
  generated: Record<string, Recorded>;
  input: { name: string; shape: number[] };
  eval_outputs: Record<string, Recorded>;
  features: Record<string, Recorded>;
  train_step: TrainStep;
  tolerance: { eval_abs_over_std: number; loss_rel: number; grad_norm_rel: number };
}

interface TrainStep extends RecordedGradients {
  input: { name: string; shape: number[] };
  target: number[];
  optimizer: TorchArguments & { type: string };
  losses: number[];
  train_mode_logits: Recorded;
  params_after_2_steps_first8: Record<string, number[]>;
  bn_after_2_steps_plus_forward: RecordedStatistics;
}

/** Names, shapes, evaluation, intermediate points and two training steps of one classifier. */
export function* checkClassifier(file: ClassifierFile): Iterable<Check> {
  const model = createModel(file.model, { classes: file.constructor.num_classes });
  try {
    for (const module of model.namedModules().values()) if (module instanceof nn.Dropout) module.p = 0;

    const state = [...model.stateDict()];
    const entries = state.map(([name, { dtype, shape }]) => [name, dtype, shape]);
    yield check.same('names, dtypes and shapes', file.state_dict, entries);
    yield check.same('number of parameters', [file.param_count], [model.parameterCount]);

    fillModel(model, file);
    for (const [name, reference] of Object.entries(file.generated)) {
      yield named(model.stateDict(), name, (found) => check.tensor(`generated ${name}`, reference, found, 1e-6));
    }
    yield* tidy(() => evaluation(model, file));
    fillModel(model, file);
    yield* tidy(() => training(model, file));
  } finally {
    for (const tensor of model.stateDict().values()) tensor.dispose();
  }
}

function evaluation(model: nn.Module, file: ClassifierFile): Check[] {
  const { eval_abs_over_std: tolerance } = file.tolerance;
  const modules = model.eval().namedModules();
  const features = new Map<string, Check>();
  for (const [name, reference] of Object.entries(file.features)) {
    features.set(name, check.failed(`eval ${name}`, 'our model has no such module, or does not run it'));
    let isFirstCall = true;
    modules.get(name)?.registerForwardHook((_, output) => {
      // Compared at once: activations that work in place overwrite the output afterwards.
      if (isFirstCall) features.set(name, check.tensor(`eval ${name}`, reference, output as Tensor, tolerance));
      isFirstCall = false;
      return undefined;
    });
  }
  const logits = noGrad(() => model.forward(generatedInput(file.input)));
  const outputs = Object.entries(file.eval_outputs).map(([name, reference]) =>
    name === 'logits'
      ? check.tensor('eval logits', reference, logits, tolerance)
      : check.failed(`eval ${name}`, 'not an output of a classifier'),
  );
  return [...outputs, ...features.values()];
}

function training(model: nn.Module, file: ClassifierFile): Check[] {
  const { train_step: step, tolerance } = file;
  const limit = Math.max(tolerance.eval_abs_over_std, tolerance.loss_rel);
  const { type, ...args } = step.optimizer;
  const optimizer = makeOptimizer(type, model.parameters(), args);
  const parameters = model.train().namedParameters();
  const input = generatedInput(step.input);
  const target = tensorOf(BigInt64Array.from(step.target, BigInt));

  const checks: Check[] = [];
  const losses: number[] = [];
  for (let iteration = 0; iteration < step.losses.length; iteration++) {
    const logits = model.forward(input);
    const loss = nn.functional.crossEntropy(logits, target);
    losses.push(loss.item());
    if (iteration === step.losses.length - 1) break;
    optimizer.zeroGrad();
    loss.backward();
    if (iteration === 0) {
      checks.push(check.tensor('train logits', step.train_mode_logits, logits, limit));
      checks.push(...gradients(parameters, step, tolerance.grad_norm_rel));
    }
    optimizer.step();
  }
  checks.unshift(check.within('train losses', check.relative(step.losses, losses), tolerance.loss_rel));

  for (const [name, values] of Object.entries(step.params_after_2_steps_first8)) {
    checks.push(named(parameters, name, (found) => check.leading(`after training ${name}`, values, found, limit)));
  }
  checks.push(...runningStatistics(model, step.bn_after_2_steps_plus_forward));
  return checks;
}
