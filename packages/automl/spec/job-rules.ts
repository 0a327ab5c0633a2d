import { didYouMean } from '@fovea/data';
import { isMap, show } from '../yaml/plain-value.ts';
import type { Problem } from '../yaml/problem.ts';
import type { Path } from '../yaml/yaml-source.ts';
import { jsonFromText } from './hyperparameter-schema.ts';
import { hyperparameters } from './hyperparameters.ts';
import type { CheckedJob } from './job.ts';

/** The parts of a job that passed the schema; the others are left out. */
export type PartialJob = Partial<CheckedJob>;

/**
 * What depends on more than one key of a job, apart from its hyperparameters.
 *
 * @param job the parts that passed the schema
 * @param raw the values as given: a part that is there but wrong is reported elsewhere, not as missing
 */
export function jobProblems(job: PartialJob, raw: Record<string, unknown>): Problem[] {
  return [
    ...modeProblems(raw),
    ...limitProblems(job),
    ...samplingProblems(job),
    ...policyProblems(job),
    ...validationProblems(job),
    ...nodeProblems(job),
    ...flagProblems(raw),
    ...measurementProblems(job),
  ];
}

/** A search space and a sweep go together; without both the job is a single trial or AutoMode. */
function modeProblems(raw: Record<string, unknown>): Problem[] {
  const hasSpace = raw.search_space !== undefined;
  const hasSweep = raw.sweep !== undefined;
  if (hasSpace && !hasSweep) {
    const hint = 'add sweep: {sampling_algorithm: random}, or grid, or bayesian';
    return [{ code: 'rule', path: ['search_space'], on: 'key', message: 'search_space is given without sweep', hint }];
  }
  if (hasSweep && !hasSpace) {
    const hint =
      'add a search_space; or take sweep out, and the job is a single trial, or AutoMode with limits.max_trials above 1';
    return [{ code: 'rule', path: ['sweep'], on: 'key', message: 'sweep is given without a search_space', hint }];
  }
  return [];
}

function limitProblems({ limits = {}, sweep }: PartialJob): Problem[] {
  const legacy = sweep?.limits;
  if (legacy === undefined) return [];
  const overruled = Object.entries(legacy).filter(([key, value]) => {
    const preferred = limits[key as keyof typeof limits];
    return value !== undefined && preferred !== undefined && preferred !== value;
  });
  const at = { code: 'deprecated', severity: 'warning', path: ['sweep', 'limits'], on: 'key' } as const;
  if (overruled.length === 0) {
    return [
      {
        ...at,
        message: 'sweep.limits is the older place of limits',
        hint: 'move them to limits at the top of the job',
      },
    ];
  }
  const preferred = overruled.map(([key]) => `${key}: ${limits[key as keyof typeof limits]}`).join(', ');
  const message = `sweep.limits is not used where limits at the top of the job says ${preferred}`;
  return [{ ...at, message, hint: 'take sweep.limits out' }];
}

/** What a map in place of the sampling's name says, and this sampling does not know. */
function samplingProblems({ sweep }: PartialJob): Problem[] {
  const sampling = sweep?.sampling_algorithm;
  if (typeof sampling !== 'object') return [];
  const { type, rule, seed } = sampling;
  const at = { severity: 'warning', code: 'unused', on: 'key' } as const;
  const problems: Problem[] = [];
  if (rule !== undefined && type !== 'random') {
    const hint = 'it is a rule of random sampling';
    problems.push({
      ...at,
      path: ['sweep', 'sampling_algorithm', 'rule'],
      message: `rule has no effect on ${type}`,
      hint,
    });
  }
  if (seed !== undefined && type === 'grid') {
    const message = 'seed has no effect: a grid draws nothing';
    problems.push({ ...at, path: ['sweep', 'sampling_algorithm', 'seed'], message });
  }
  return problems;
}

function policyProblems({ sweep }: PartialJob): Problem[] {
  const policy = sweep?.early_termination;
  const path = ['sweep', 'early_termination'];
  const problems: Problem[] = [];
  if (policy?.type === 'bandit') {
    const { slack_factor: factor = 0, slack_amount: amount = 0 } = policy;
    if (policy.slack_factor === undefined && policy.slack_amount === undefined) {
      const hint = 'slack_factor is a share of the best trial, slack_amount a difference from it';
      problems.push({ code: 'rule', path, on: 'key', message: 'a bandit needs slack_factor or slack_amount', hint });
    } else if (factor !== 0 && amount !== 0) {
      problems.push({
        code: 'unused',
        severity: 'warning',
        path: [...path, 'slack_amount'],
        on: 'key',
        message: 'slack_amount is not used: slack_factor is given too',
      });
    }
  }
  return problems;
}

function validationProblems({ validation_data, validation_data_size }: PartialJob): Problem[] {
  if (validation_data === undefined || validation_data_size === undefined) return [];
  const message = 'validation_data_size is not used: validation_data is given';
  return [{ code: 'unused', severity: 'warning', path: ['validation_data_size'], on: 'key', message }];
}

function nodeProblems({ properties }: PartialJob): Problem[] {
  const nodes = properties?.node_count_per_trial;
  if (nodes === undefined || /^[1-9]\d*$/.test(nodes)) return [];
  const message = `node_count_per_trial must be a whole number, 1 or more, not ${show(nodes)}`;
  return [{ code: 'wrong-value', path: ['properties', 'node_count_per_trial'], message }];
}

/** Flags of `advanced_settings` that do not exist are ignored, as the service does, but said. */
function flagProblems(raw: Record<string, unknown>): Problem[] {
  const settings = isMap(raw.training_parameters) ? jsonFromText(raw.training_parameters.advanced_settings) : undefined;
  if (!isMap(settings)) return [];
  const known = Object.keys(hyperparameters.advanced_settings.default);
  return Object.keys(settings)
    .filter((flag) => !known.includes(flag))
    .map((flag) => {
      return {
        code: 'unknown-key',
        severity: 'warning',
        path: ['training_parameters', 'advanced_settings'],
        message: `unknown flag ${show(flag)} is ignored`,
        hint: didYouMean(flag, known) ?? `there are ${known.join(', ')}`,
      };
    });
}

/**
 * With `validation_metric_type: none` nothing says which epoch or which trial is the best. A single trial keeps its last weights and
 * never stops early; several trials cannot be compared.
 */
function measurementProblems({
  training_parameters: fixed,
  search_space: space = [],
  limits,
  sweep,
}: PartialJob): Problem[] {
  const key = 'validation_metric_type';
  const trials = limits?.max_trials ?? sweep?.limits?.max_trials ?? 1;
  const holders: [Path, unknown][] = [
    [['training_parameters', key], fixed?.[key]],
    ...space.map((subSpace, i): [Path, unknown] => [['search_space', i, key], subSpace[key]]),
  ];
  return holders.flatMap(([path, value]): Problem[] => {
    const values = isMap(value) && Array.isArray(value.values) ? value.values : [value];
    if (!values.includes('none')) return [];
    if (trials === 1) {
      const message = 'nothing is measured: training lasts all epochs, and the weights of the last one are kept';
      return [
        { code: 'unmeasured', severity: 'warning', path, message, hint: 'voc measures as Azure does by default' },
      ];
    }
    const message = `${key} none measures nothing, so that ${trials} trials can not be compared`;
    return [{ code: 'rule', path, message, hint: 'take voc, coco or coco_voc; or limits.max_trials: 1' }];
  });
}
