import { type ImageJob, parseJob, unsupportedReasons } from '@fovea/automl';
import { didYouMean } from '@fovea/data';
import { invalid, Refusal, type RefusalDetail } from '../refusal.ts';
import { type JobField, jobFields, restParameters } from './job-fields.ts';
import { expressionOf } from './search-expression.ts';

type Tree = Record<string, unknown>;

/** Of `properties`, what the service says and a caller who sends back what it read says again. */
const readOnly = ['jobType', 'status', 'services', 'isArchived', 'fovea', 'outputs.best_model.mode'];

/** What a job is in REST, in the words of a job file, and what cannot be read of it. */
interface Translated {
  readonly job: Tree;
  readonly problems: RefusalDetail[];
}

/**
 * The job of a request: what a job file with the same words gives, checked by the same rules.
 *
 * @param properties `properties` of a job of type `AutoML`
 * @returns the job, and what is odd about it but no fault
 * @throws Refusal with all that is wrong with it, each at its place in the request
 */
export function jobFromRest(
  name: string,
  properties: unknown,
): { job: ImageJob & { name: string }; warnings: string[] } {
  if (!isTree(properties)) throw invalid('the body has no properties', 'properties');
  const { jobType } = properties;
  if (typeof jobType !== 'string')
    throw invalid('the kind of the job is missing; an image job has AutoML', 'properties.jobType');
  if (jobType !== 'AutoML') {
    throw invalid(
      `jobs of type ${quoted(jobType)} are not supported; image jobs have AutoML`,
      'properties.jobType',
      'UnsupportedJobType',
    );
  }
  const { job: raw, problems } = translated(properties);
  const { job, issues, source } = parseJob(JSON.stringify({ type: 'automl', name, ...raw }), {
    file: 'job',
    experimentName: 'Default',
  });
  // A default of the client's own serializer, and what this machine does instead, are nothing to warn of one by one.
  const all = job === null ? issues : [...issues, ...unsupportedReasons(job, source)];
  const details = all
    .filter(({ severity }) => severity === 'error')
    .map(({ code, message, hint, path }): RefusalDetail => {
      const target = path === undefined || path.length === 0 ? undefined : restPlace(path);
      return { code, message: hint === undefined ? message : `${message}; ${hint}`, ...(target && { target }) };
    });
  const wrong = [...problems, ...details];
  if (wrong.length > 0 || job === null) throw refused(wrong);
  const warnings = all.map(({ message, hint }) => (hint === undefined ? message : `${message}; ${hint}`));
  return { job: { ...job, name }, warnings };
}

function refused(details: readonly RefusalDetail[]): Refusal {
  const [first] = details;
  const more = details.length > 1 ? ` (and ${details.length - 1} more, in details)` : '';
  const { target } = first;
  const message = `${target === undefined ? '' : `${target}: `}${first.message}${more}`;
  return new Refusal('invalid', 'ValidationError', message, { target, details });
}

/** `properties` of a job as REST has it, all but what changes while it runs. */
export function jobToRest(job: ImageJob, { computeId }: { computeId: (compute: string) => string }): Tree {
  const { sweep } = job;
  const plain = {
    ...job,
    ...(sweep && {
      sweep: {
        ...sweep,
        sampling_algorithm:
          typeof sweep.sampling_algorithm === 'string' ? { type: sweep.sampling_algorithm } : sweep.sampling_algorithm,
      },
    }),
  } as unknown as Tree;
  const properties: Tree = { jobType: 'AutoML', computeId: computeId(job.compute) };
  for (const { file, rest, codec } of jobFields) {
    const value = valueAt(plain, file);
    if (value !== undefined) put(properties, rest, codec.write(value));
  }
  if (job.search_space !== undefined) {
    const spaces = job.search_space.map((space) =>
      Object.fromEntries(
        Object.entries(space).map(([name, value]) => [restParameters.get(name)?.rest ?? name, expressionOf(value)]),
      ),
    );
    put(properties, ['taskDetails', 'searchSpace'], spaces);
  }
  return properties;
}

function translated(properties: Tree): Translated {
  const job: Tree = {};
  const problems: RefusalDetail[] = [];
  const wrong = (rest: readonly string[], message: string) =>
    problems.push({ code: 'wrong-value', message, target: ['properties', ...rest].join('.') });

  for (const field of jobFields) {
    const value = withoutNulls(valueAt(properties, field.rest));
    if (value === undefined) continue;
    const read = field.codec.read(value);
    if (read === undefined) wrong(field.rest, `must be ${field.takes}, not ${quoted(value)}`);
    else put(job, field.file, read);
  }
  // Nothing but its name: a word.
  const sampling = valueAt(job, ['sweep', 'sampling_algorithm']);
  if (isTree(sampling) && Object.keys(sampling).length === 1 && sampling.type !== undefined) {
    put(job, ['sweep', 'sampling_algorithm'], sampling.type);
  }
  // Empty sections, as clients write them, say something by being there.
  if (isTree(valueAt(properties, ['taskDetails', 'sweepSettings'])) && job.sweep === undefined) job.sweep = {};

  const { computeId } = properties;
  if (typeof computeId === 'string') job.compute = /\/computes\/([^/]+)\/?$/.exec(computeId)?.[1] ?? computeId;
  else if (computeId !== undefined && computeId !== null)
    wrong(['computeId'], `must be text, not ${quoted(computeId)}`);

  const space = valueAt(properties, ['taskDetails', 'searchSpace']);
  if (Array.isArray(space)) job.search_space = space.map((one, index) => subSpace(one, index, problems));
  else if (space !== undefined && space !== null) wrong(['taskDetails', 'searchSpace'], 'must be a list');

  for (const place of unknownPlaces(properties, [])) {
    const key = place.at(-1) as string;
    const hint = didYouMean(key, namesBeside(place));
    problems.push({
      code: 'unknown-key',
      message: `unknown property ${quoted(key)}${hint === undefined ? '' : `; ${hint}`}`,
      target: ['properties', ...place].join('.'),
    });
  }
  return { job, problems };
}

const fileNames: ReadonlyMap<string, string> = new Map(Array.from(restParameters, ([file, { rest }]) => [rest, file]));

/** Values of a search space are texts; a number or truth value that somebody wrote is taken, too. */
function subSpace(value: unknown, index: number, problems: RefusalDetail[]): unknown {
  if (!isTree(value)) return value;
  const space: Tree = {};
  for (const [rest, given] of Object.entries(value)) {
    if (given === null) continue;
    const name = fileNames.get(rest);
    if (name !== undefined) {
      space[name] = withoutNulls(given);
      continue;
    }
    const hint = didYouMean(rest, [...fileNames.keys()]);
    problems.push({
      code: 'unknown-key',
      message: `unknown property ${quoted(rest)}${hint === undefined ? '' : `; ${hint}`}`,
      target: `properties.taskDetails.searchSpace[${index}].${rest}`,
    });
  }
  return space;
}

const knownPlaces = new Set([
  ...jobFields.map(({ rest }) => rest.join('.')),
  ...readOnly,
  ...['computeId', 'taskDetails.searchSpace'],
]);
const sections = new Set(
  jobFields.flatMap(({ rest }) => rest.slice(0, -1).map((_, i) => rest.slice(0, i + 1).join('.'))),
);

/** Places of a request that nothing is known of. What is null says nothing. */
function unknownPlaces(value: Tree, at: readonly string[]): string[][] {
  return Object.entries(value).flatMap(([key, child]) => {
    const place = [...at, key];
    const name = place.join('.');
    if (child === null || knownPlaces.has(name)) return [];
    if (!sections.has(name)) return [place];
    // What a section is that is no map, its own fields cannot say.
    return isTree(child) ? unknownPlaces(child, place) : [place];
  });
}

function namesBeside(place: readonly string[]): string[] {
  const lead = place
    .slice(0, -1)
    .map((part) => `${part}.`)
    .join('');
  const all = [...knownPlaces, ...sections].filter((name) => name.startsWith(lead));
  return [...new Set(all.map((name) => name.slice(lead.length).split('.')[0]))];
}

/** Where in a request the value is that a path of a job file means. */
function restPlace(path: readonly (string | number)[]): string {
  const [first, index, name] = path;
  if (first === 'search_space') {
    const parameter = name === undefined ? '' : `.${restParameters.get(String(name))?.rest ?? name}`;
    const at = index === undefined ? '' : `[${index}]`;
    return `properties.taskDetails.searchSpace${at}${parameter}`;
  }
  for (let length = path.length; length > 0; length--) {
    const place = placeOf(path.slice(0, length));
    if (place !== undefined) return ['properties', ...place, ...path.slice(length)].join('.');
  }
  return first === 'compute' ? 'properties.computeId' : 'properties';
}

/** Where a part of a job has another depth in REST. */
const otherPlaces: Readonly<Record<string, readonly string[]>> = {
  sweep: ['taskDetails', 'sweepSettings'],
  'sweep.sampling_algorithm': ['taskDetails', 'sweepSettings', 'samplingAlgorithm'],
};

function placeOf(path: readonly (string | number)[]): readonly string[] | undefined {
  const other = otherPlaces[path.join('.')];
  if (other) return other;
  const exact = jobFields.find(({ file }) => file.length === path.length && file.every((part, i) => part === path[i]));
  if (exact) return exact.rest;
  const below: JobField | undefined = jobFields.find(({ file }) => path.every((part, i) => part === file[i]));
  return below?.rest.slice(0, below.rest.length - (below.file.length - path.length));
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(tree: unknown, path: readonly string[]): unknown {
  let value = tree;
  for (const part of path) value = isTree(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  let holder = tree;
  for (const part of path.slice(0, -1)) {
    if (!isTree(holder[part])) holder[part] = {};
    holder = holder[part] as Tree;
  }
  holder[path.at(-1) as string] = value;
}

/** Clients write null for what they do not say. @returns undefined for null */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (!isTree(value)) return value;
  const kept = Object.entries(value).filter(([key, child]) => child !== null && key !== '__proto__');
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutNulls(child)]));
}

const quoted = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
};
