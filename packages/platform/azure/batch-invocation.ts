import { XAI_ALGORITHMS, type XaiAlgorithm } from '@fovea/serving/instance';
import { Hono } from 'hono';
import { checkOnlineName } from '../endpoints/online/online-names.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { ServerParts } from '../server/app.ts';
import { requireRole } from '../server/authority.ts';
import type { HeavyWork } from '../server/heavy-work.ts';
import { isObject, jsonBody, type RequestEnv } from '../server/requests.ts';
import { allows } from '../server/tokens.ts';
import { batchJobAnswer } from './batch-job-answer.ts';
import { endpointIn } from './online-endpoint-routes.ts';
import type { Scope } from './scope.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The words of Azure's addresses, which an invocation's has not; a server answers to all. */
const scope: Scope = {
  ...{ subscription: '00000000-0000-0000-0000-000000000000', resourceGroup: 'fovea', workspace: 'fovea' },
};

/** The scoring address of batch endpoints: an invocation becomes a job. */
export function batchInvocationRoutes({ place, store, batch }: ServerParts, heavy: HeavyWork): Hono<RequestEnv> {
  const app = new Hono<RequestEnv>();

  app.post('/batchEndpoints/:endpoint/jobs', async (context) => {
    requireRole(context, 'contributor');
    const endpoint = endpointIn(context);
    const named = context.req.header('azureml-model-deployment');
    const deployment = named === undefined ? undefined : checkOnlineName(named, 'deployment');
    const asked = invocationIn(await jsonBody(context));
    const where = { baseFolder: null, anywhere: allows(context.get('principal').role, 'owner') };
    try {
      const { name } = await heavy.run(() => batch.invoke({ endpoint, deployment, ...asked }, where));
      const row = await store.jobs.find(name);
      if (row === null) throw new Refusal('not-found', 'JobNotFound', `${name} was removed just now`);
      return context.json(batchJobAnswer(scope, place, row), 201);
    } catch (error) {
      // What is missing is what the request names, and not the endpoint.
      const isInput = error instanceof Refusal && ['DataNotFound', 'PathNotFound'].includes(error.code);
      if (!isInput) throw error;
      throw new Refusal('invalid', error.code, error.message, { target: 'properties.InputData', cause: error });
    }
  });

  app.get('/batchEndpoints/:endpoint/jobs', async (context) => {
    const { name } = await batch.find(endpointIn(context));
    const jobs = await batch.jobs(name);
    const rows = await Promise.all(jobs.map((job) => store.jobs.find(job.name)));
    return context.json({ value: rows.flatMap((row) => (row === null ? [] : [batchJobAnswer(scope, place, row)])) });
  });

  return app;
}

const known = ['InputData', 'OutputData', 'MiniBatchSize', 'InstanceCount', 'Name', 'Tags', 'Explain'];

/** What the body of an invocation asks for. The case of its words does not matter, as it does not in Azure. @throws Refusal */
function invocationIn(body: Fields) {
  const properties = field(body, 'properties');
  if (!isObject(properties)) {
    throw invalid(
      `properties is missing: {"properties": {"InputData": {"input": {"JobInputType": "UriFolder", "Uri": "azureml:…"}}}}`,
      'properties',
    );
  }
  for (const key of Object.keys(properties)) {
    if (known.some((one) => one.toLowerCase() === key.toLowerCase())) continue;
    throw invalid(
      `${JSON.stringify(key.slice(0, 100))} is not known here; there are ${known.join(', ')}`,
      `properties.${key.slice(0, 100)}`,
    );
  }
  const input = addressIn(properties, 'InputData');
  if (input === undefined)
    throw invalid(
      'InputData is missing: {"input": {"JobInputType": "UriFolder", "Uri": "azureml:…"}}',
      'properties.InputData',
    );
  const tags = field(properties, 'Tags') ?? {};
  const isTags = isObject(tags) && Object.values(tags).every((value) => typeof value === 'string');
  if (!isTags) throw invalid('Tags should be a map of text to text', 'properties.Tags');
  const explain = textOf(properties, 'Explain');
  if (explain !== undefined && !(XAI_ALGORITHMS as readonly string[]).includes(explain)) {
    throw invalid(`Explain should be one of ${XAI_ALGORITHMS.join(', ')}`, 'properties.Explain');
  }
  return {
    ...{ input, output: addressIn(properties, 'OutputData'), jobName: textOf(properties, 'Name') },
    ...{ miniBatchSize: numberOf(properties, 'MiniBatchSize'), instanceCount: numberOf(properties, 'InstanceCount') },
    ...{ tags: tags as Record<string, string>, explain: explain as XaiAlgorithm | undefined },
  };
}

/** The address of the one input or output. Its name means nothing for a model. */
function addressIn(properties: Fields, key: 'InputData' | 'OutputData'): string | undefined {
  const all = field(properties, key);
  if (all === undefined || all === null) return undefined;
  const at = `properties.${key}`;
  if (!isObject(all)) throw invalid(`${key} should be a map of one`, at);
  const [first, ...more] = Object.entries(all);
  if (first === undefined) return undefined;
  if (more.length > 0) throw invalid(`${key} has ${more.length + 1} entries; a model has one`, at);
  const [name, asked] = first;
  if (!isObject(asked)) throw invalid(`${key}.${name.slice(0, 100)} should be a map with Uri`, at);
  const typeKey = key === 'InputData' ? 'JobInputType' : 'JobOutputType';
  const type = textOf(asked, typeKey, `${at}.${name}`);
  const types = key === 'InputData' ? ['urifolder', 'urifile', 'mltable'] : ['urifolder', 'urifile'];
  if (type !== undefined && !types.includes(type.toLowerCase().replaceAll('_', ''))) {
    throw invalid(`${typeKey} should be UriFolder or UriFile, not ${JSON.stringify(type.slice(0, 100))}`, at);
  }
  const uri = textOf(asked, 'Uri', `${at}.${name}`);
  if (uri === undefined || uri === '') throw invalid('Uri is missing', `${at}.${name.slice(0, 100)}.Uri`);
  return uri;
}

const field = (fields: Fields, name: string): unknown =>
  Object.entries(fields).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

function textOf(fields: Fields, name: string, at = 'properties'): string | undefined {
  const value = field(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw invalid(`${name} should be text`, `${at.slice(0, 200)}.${name}`);
}

function numberOf(fields: Fields, name: string): number | undefined {
  const value = field(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return value;
  throw invalid(`${name} should be a whole number`, `properties.${name}`);
}
