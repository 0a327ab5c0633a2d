import type { XaiParameters } from '@fovea/automl/explanation-parameters';
import type { KeepPicture } from './explanation-pictures.ts';
import { isIssuesError } from './failure.ts';
import { printable } from './printable.ts';
import type { Services } from './services.ts';

type Explanations = Awaited<ReturnType<Services['explanations']>>;
type ClassExplainer = Awaited<ReturnType<Explanations['openExplainer']>>;
type ObjectExplainer = Awaited<ReturnType<Explanations['openObjectExplainer']>>;

/** A model that is asked what it looked at. */
export type Explains = ({ kind: 'classes' } & ClassExplainer) | ({ kind: 'objects' } & ObjectExplainer);

/** What is said of one image. */
export interface Explained {
  /** For programs. */
  readonly result: object;
  /** For tables. */
  readonly rows: readonly Record<string, unknown>[];
  /** For people. */
  readonly lines: readonly string[];
  /** Why there is nothing to say; null: there is. */
  readonly error: string | null;
}

interface Asked {
  readonly files: readonly string[];
  readonly parameters: XaiParameters;
  /** Null: nothing is drawn. */
  readonly pictures: KeepPicture | null;
  /** Objects of an image. */
  readonly top: number | undefined;
  readonly signal: AbortSignal;
  readonly onBegin: (file: string) => void;
}

/** Explains image after image. An image that cannot be read is told of; any other error ends it. */
export async function* explainedImages(explains: Explains, asked: Asked): AsyncGenerator<Explained> {
  for (const file of asked.files) {
    asked.signal.throwIfAborted();
    asked.onBegin(file);
    try {
      yield explains.kind === 'classes'
        ? await explainClasses(explains, file, asked)
        : await explainObjects(explains, file, asked);
    } catch (error) {
      const isImages = isIssuesError(error) || (error instanceof Error && error.name === 'ExplanationError');
      if (!isImages) throw error;
      // Issues are told with the file and the line; here the file is known.
      const message = error.message.trim();
      const told = message.includes(file) ? message : `${file}: ${message}`;
      yield { result: { file, error: message }, rows: [{ file, error: message }], lines: [], error: told };
    }
  }
}

async function explainClasses(
  explainer: ClassExplainer,
  file: string,
  { parameters, pictures, signal }: Asked,
): Promise<Explained> {
  const pixels = await explainer.read(file);
  const probs = explainer.probabilities(pixels);
  const targets = explainer.targets(probs, parameters);
  const explanations = [];
  for (const { target, visualization, attributions } of await explainer.explain(pixels, {
    parameters,
    targets,
    signal,
  })) {
    const label = explainer.labels[target];
    const isOne = explainer.task === 'image_classification';
    const picture = visualization && (await pictures?.(file, isOne ? null : label, visualization));
    explanations.push({
      ...{ label, probability: probs[target] },
      ...(picture && { picture }),
      ...(parameters.attributions && { attributions: nested(attributions, [3, explainer.size, explainer.size]) }),
    });
  }
  const threshold = parameters.confidence_score_threshold_multilabel;
  return {
    result: { file, probs, labels: explainer.labels, explanations },
    rows: explanations.map(({ attributions: _, ...each }) => ({ file, ...each, probability: short(each.probability) })),
    lines: explanationLines(
      file,
      explanations.map((each) => ({ ...each, score: each.probability })),
      `no label has a probability of ${threshold} or more`,
    ),
    error: null,
  };
}

async function explainObjects(
  explainer: ObjectExplainer,
  file: string,
  { parameters, pictures, top, signal }: Asked,
): Promise<Explained> {
  const found = await explainer.explain(file, { ...(top !== undefined && { most: top }), signal });
  const explanations = [];
  for (const { label, score, box, heat, size, visualization } of found) {
    const picture = await pictures?.(file, found.length === 1 ? null : label, visualization);
    explanations.push({
      ...{ label, score, box },
      ...(picture && { picture }),
      ...(parameters.attributions && { attributions: nested(heat, [size.height, size.width]) }),
    });
  }
  return {
    result: { file, explanations },
    rows: explanations.map(({ label, score, picture }) => ({
      file,
      label,
      score: short(score),
      ...(picture && { picture }),
    })),
    lines: explanationLines(file, explanations, 'nothing was found'),
    error: null,
  };
}

function explanationLines(
  file: string,
  explanations: readonly { label: string; score: number; picture?: string }[],
  none: string,
): string[] {
  const width = Math.max(0, ...explanations.map(({ label }) => printable(label).length));
  const lines = explanations.map(({ label, score, picture }) => {
    const share = `${(100 * score).toFixed(1)} %`;
    return `  ${printable(label).padEnd(width)}  ${share.padStart(7)}${picture ? `  ${printable(picture)}` : ''}`;
  });
  return [printable(file), ...(lines.length > 0 ? lines : [`  ${none}`])];
}

const short = (value: number) => Number(value.toFixed(4));

type Nested = number | Nested[];

/** Values of an array as lists in lists, of these lengths. */
function nested(values: Float32Array | Float64Array, [length, ...inner]: readonly number[]): Nested {
  if (inner.length === 0) return Array.from(values);
  const step = values.length / length;
  return Array.from({ length }, (_, i) => nested(values.subarray(i * step, (i + 1) * step), inner));
}
