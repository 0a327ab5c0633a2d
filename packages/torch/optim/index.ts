export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { clipGradientNorm } from './clip-gradient.ts';
export { type GroupOptions, Optimizer, type OptimizerState, type ParameterGroup } from './optimizer.ts';
export { type Schedule, stepSchedule, type WarmupCosine, warmupCosineSchedule } from './schedules.ts';
export { SGD, type SgdOptions } from './sgd.ts';
