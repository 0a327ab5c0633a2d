import { findModel, isModelName, takesSize } from '@fovea/vision';
import type { ImageJob } from '../../spec/job.ts';
import { defaultOf } from '../../spec/resolve-hyperparameters.ts';
import { freezableGroups, isClassification } from '../../spec/tasks.ts';
import type { MeasuredModel, SearchState } from '../search-state.ts';
import type { Assignment } from '../space.ts';
import { publishedAccuracy } from './published-accuracy.ts';
import { secondsOf } from './seconds.ts';

/** A model and a way to train it. */
export interface Configuration {
  readonly model: MeasuredModel;
  /** Over what the model is trained with anyhow. */
  readonly varied: Assignment;
  /** In words. */
  readonly what: string;
}

export const drawOf = ({ model, varied }: Configuration): Assignment => ({ model_name: model.model, ...varied });

/** A variation of the first model comes after the second model, and before the third. */
const VARIATION = 1.5;

/**
 * The ways to train that AutoMode tries, the most promising of the cheap ones first: each model with what suits the amount of data, and
 * variations of that which often turn out better. What the job fixes is not varied.
 */
export function portfolioOf({ job, models, measured }: SearchState): Configuration[] {
  const allowed = candidates(job, models, measured);
  return allowed
    .flatMap((model, place) =>
      variationsOf(job, model).map((one, i) => ({ ...one, model, rank: place + VARIATION * i })),
    )
    .toSorted((a, b) => a.rank - b.rank || secondsOf(a.model, a.varied) - secondsOf(b.model, b.varied))
    .map(({ rank: _, ...configuration }) => configuration);
}

/**
 * The models to choose from, cheap ones first: those that begin with random weights only where all do, and none that takes longer than
 * another whose weights are known to be better.
 */
function candidates(job: ImageJob, models: readonly string[], measured: readonly MeasuredModel[]): MeasuredModel[] {
  const { model_name: fixed } = job.training_parameters;
  const wanted = fixed === undefined ? models : [fixed];
  if (measured.length === 0) return wanted.map((model) => unmeasured(job, model));
  const fitting = measured.filter(({ model, fits }) => fits && wanted.includes(model));
  if (fitting.length === 0) return wanted.slice(0, 1).map((model) => unmeasured(job, model));
  const knowing = fitting.filter(({ pretrained }) => pretrained);
  const cheapFirst = (some: readonly MeasuredModel[]) => some.toSorted((a, b) => secondsOf(a, {}) - secondsOf(b, {}));
  if (knowing.length === 0) return cheapFirst(fitting);
  let best = 0;
  return cheapFirst(knowing).filter(({ model }) => {
    const accuracy = publishedAccuracy(model);
    if (accuracy === null) return true;
    const isBetter = accuracy > best;
    best = Math.max(best, accuracy);
    return isBetter;
  });
}

/** A model of which nothing is known but its documented defaults. It seems to take no time. */
function unmeasured({ task, training_parameters }: ImageJob, model: string): MeasuredModel {
  const names = ['number_of_epochs', 'learning_rate', 'optimizer', 'weight_decay', 'layers_to_freeze'] as const;
  const hyperparameters = Object.fromEntries(
    names.map((name) => [name, training_parameters[name] ?? defaultOf(name, task, model)]),
  );
  const none = { secondsPerEpoch: 0, secondsPerFullEpoch: 0, startSeconds: 0, peakMemoryBytes: 0 };
  return { ...none, model, fits: true, pretrained: true, hyperparameters };
}

type Variation = Omit<Configuration, 'model'>;

function variationsOf(job: ImageJob, model: MeasuredModel): Variation[] {
  const some = isClassification(job.task) ? ofClassifier(model) : ofDetector(model);
  const open = ({ varied }: Variation) => Object.keys(varied).every((name) => !(name in job.training_parameters));
  return [{ varied: {}, what: 'as suits the amount of data' }, ...some.filter(open)];
}

const rounded = (value: number) => Number(value.toPrecision(3));

function ofClassifier({ model, pretrained, hyperparameters: own }: MeasuredModel): Variation[] {
  const rate = Number(own.learning_rate);
  const faster: Variation = {
    varied: { learning_rate: Math.min(1, rounded(3 * rate)) },
    what: 'with three times the learning rate',
  };
  const sizes = smaller(model, own);
  if (!pretrained) return [...sizes, adamw(1e-3), faster];
  const stages = freezableGroups(model) ?? 0;
  const frozen = Number(own.layers_to_freeze ?? 0);
  const late = Math.floor(stages * 0.75);
  const learning: Variation =
    frozen >= stages
      ? { varied: { layers_to_freeze: late }, what: 'whose late layers learn, too' }
      : frozen > 0
        ? { varied: { layers_to_freeze: Math.floor(frozen / 2) }, what: 'of which more layers learn' }
        : { varied: { layers_to_freeze: late }, what: 'of which only the late layers learn' };
  return [faster, adamw(frozen > 0 ? 1e-3 : 3e-4), learning, ...sizes];
}

const adamw = (rate: number): Variation => ({
  varied: { optimizer: 'adamw', learning_rate: rate },
  what: `with adamw and a learning rate of ${rate}`,
});

/** Images of a third of the pixels, for a network that takes them. */
function smaller(model: string, own: Assignment): Variation[] {
  const size = Number(own.training_crop_size);
  const side = Math.round((size * 4) / 7);
  const entry = isModelName(model) ? findModel(model) : null;
  if (!entry || !takesSize(entry, side) || side < 64) return [];
  const ratio = Number(own.validation_resize_size) / Number(own.validation_crop_size);
  return [
    {
      varied: {
        training_crop_size: side,
        validation_crop_size: side,
        validation_resize_size: Math.round(side * ratio),
      },
      what: `at ${side} pixels instead of ${size}`,
    },
  ];
}

function ofDetector({ hyperparameters: own }: MeasuredModel): Variation[] {
  const rate = Number(own.learning_rate);
  const scaled = (factor: number, what: string): Variation => ({
    varied: { learning_rate: Math.min(1, rounded(factor * rate)) },
    what,
  });
  return [
    scaled(2.5, 'with two and a half times the learning rate'),
    scaled(0.4, 'with two fifths of the learning rate'),
    ...smallerImages(own),
  ];
}

/** Two thirds of the side, in steps that suit a detector's strides. */
function smallerImages(own: Assignment): Variation[] {
  const names = ['image_size', 'min_size', 'max_size'].filter((name) => typeof own[name] === 'number');
  if (names.length === 0 || names.some((name) => Number(own[name]) < 480)) return [];
  const side = (name: string) => Math.round((Number(own[name]) * 2) / 3 / 32) * 32;
  const [first] = names;
  return [
    {
      varied: Object.fromEntries(names.map((name) => [name, side(name)])),
      what: `at ${side(first)} pixels instead of ${own[first]}`,
    },
  ];
}
