import { type ImageJob, parseJob, unsupportedReasons } from '@fovea/automl';
import { invalid, type RefusalDetail } from '../refusal.ts';
import { isObject } from '../server/requests.ts';
import { jobFields, restParameters } from './job-fields.ts';
import { expressionOf } from './search-expression.ts';
import {
  put,
  quoted,
  refused,
  type Tree,
  unknownKey,
  valueAt,
  wireTable,
  withoutNulls,
  wrongValue,
} from './wire-fields.ts';

/** Of `properties`, what the service says and a caller who sends back what it read says again. */
const readOnly = ['jobType', 'status', 'services', 'isArchived', 'fovea', 'outputs.best_model.mode'];

const table = wireTable(jobFields, {
  taken: [...readOnly, 'computeId', 'taskDetails.searchSpace'],
  root: ['properties'],
  places: {
    sweep: ['taskDetails', 'sweepSettings'],
    'sweep.sampling_algorithm': ['taskDetails', 'sweepSettings', 'samplingAlgorithm'],
  },
});

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
  if (!isObject(properties)) throw invalid('the body has no properties', 'properties');
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
  const properties: Tree = { jobType: 'AutoML', computeId: computeId(job.compute), ...table.write(plain) };
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
  const { values: job, problems } = table.read(properties);
  const wrong = (rest: readonly string[], message: string) =>
    problems.push(wrongValue(['properties', ...rest].join('.'), message));
  // Nothing but its name: a word.
  const sampling = valueAt(job, ['sweep', 'sampling_algorithm']);
  if (isObject(sampling) && Object.keys(sampling).length === 1 && sampling.type !== undefined) {
    put(job, ['sweep', 'sampling_algorithm'], sampling.type);
  }
  // Empty sections, as clients write them, say something by being there.
  if (isObject(valueAt(properties, ['taskDetails', 'sweepSettings'])) && job.sweep === undefined) job.sweep = {};

  const { computeId } = properties;
  if (typeof computeId === 'string') job.compute = /\/computes\/([^/]+)\/?$/.exec(computeId)?.[1] ?? computeId;
  else if (computeId !== undefined && computeId !== null)
    wrong(['computeId'], `must be text, not ${quoted(computeId)}`);

  const space = valueAt(properties, ['taskDetails', 'searchSpace']);
  if (Array.isArray(space)) job.search_space = space.map((one, index) => subSpace(one, index, problems));
  else if (space !== undefined && space !== null) wrong(['taskDetails', 'searchSpace'], 'must be a list');

  return { job, problems };
}

const fileNames: ReadonlyMap<string, string> = new Map(Array.from(restParameters, ([file, { rest }]) => [rest, file]));

/** Values of a search space are texts; a number or truth value that somebody wrote is taken, too. */
function subSpace(value: unknown, index: number, problems: RefusalDetail[]): unknown {
  if (!isObject(value)) return value;
  const space: Tree = {};
  for (const [rest, given] of Object.entries(value)) {
    if (given === null) continue;
    const name = fileNames.get(rest);
    if (name !== undefined) {
      space[name] = withoutNulls(given);
      continue;
    }
    problems.push(unknownKey(`properties.taskDetails.searchSpace[${index}].${rest}`, rest, [...fileNames.keys()]));
  }
  return space;
}

/** Where in a request the value is that a path of a job file means. */
function restPlace(path: readonly (string | number)[]): string {
  const [first, index, name] = path;
  if (first === 'search_space') {
    const parameter = name === undefined ? '' : `.${restParameters.get(String(name))?.rest ?? name}`;
    const at = index === undefined ? '' : `[${index}]`;
    return `properties.taskDetails.searchSpace${at}${parameter}`;
  }
  return table.placeOf(path) ?? (first === 'compute' ? 'properties.computeId' : 'properties');
}
