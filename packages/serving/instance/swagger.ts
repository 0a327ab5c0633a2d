import type { ServedModel } from './served-model.ts';

type Schema = Readonly<Record<string, unknown>>;

const list = (items: Schema): Schema => ({ type: 'array', items });
const object = (properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
});
const number: Schema = { type: 'number' };
const text: Schema = { type: 'string' };

const INPUT = object({
  input_data: object(
    {
      columns: { ...list({ type: 'string', enum: ['image'] }), minItems: 1, maxItems: 1 },
      index: list({ type: 'integer' }),
      data: {
        ...list(text),
        description:
          'Pictures: base64 of a file; its address; or JSON with image_base64, model_explainability and xai_parameters, as text',
      },
    },
    ['columns', 'data'],
  ),
});

const ERROR = object({ error: object({ code: text, message: text, target: text }, ['code', 'message']) });

function answerSchema(task: ServedModel['task']): Schema {
  const box = object({ topX: number, topY: number, bottomX: number, bottomY: number });
  const found = { box, label: text, score: number };
  switch (task) {
    case 'image_object_detection':
      return object({ boxes: list(object(found)) });
    case 'image_instance_segmentation': {
      const answers = { ...found, polygon: list(list(number)), mask: { ...text, description: 'base64 of a picture' } };
      return object({ boxes: list(object(answers, Object.keys(found))) });
    }
    default: {
      const explained = { visualizations: {}, attributions: {} };
      return object({ probs: list(number), labels: list(text), ...explained }, ['probs', 'labels']);
    }
  }
}

const EXAMPLE = { input_data: { columns: ['image'], data: ['iVBORw0KGgoAAAANSUhEUg…'] } };

const RESPONSES = {
  200: 'One answer for each image, in their order',
  400: 'The request cannot be understood, or an image cannot be read',
  408: 'The answer took too long',
  413: 'The request is too large',
  429: 'Too many requests; Retry-After says when to try again',
} as const;

/** What the instance answers to, for programs that make clients. @param version 2: Swagger 2.0; 3: OpenAPI 3.0 */
export function swagger({ task, modelName }: ServedModel, deployment: string | null, version: 2 | 3): object {
  const schemas = { ServiceInput: INPUT, ServiceOutput: list(answerSchema(task)), ErrorResponse: ERROR };
  const place = version === 2 ? '#/definitions/' : '#/components/schemas/';
  const reference = (name: keyof typeof schemas): Schema => ({ $ref: `${place}${name}` });
  const json = (schema: Schema, example?: object) => ({
    content: { 'application/json': { schema, ...(example && { example }) } },
  });
  const responses = Object.entries(RESPONSES).map(([status, description]) => {
    const schema = reference(status === '200' ? 'ServiceOutput' : 'ErrorResponse');
    return [status, { description, ...(version === 2 ? { schema } : json(schema)) }];
  });
  const score = {
    operationId: 'RunMLService',
    description: `Scores images (${task})`,
    responses: Object.fromEntries(responses),
    security: [{ Bearer: [] }],
  };
  const health = {
    operationId: 'ServiceHealthCheck',
    description: 'Whether requests are answered',
    responses: { 200: { description: 'They are' }, 503: { description: 'They are not' } },
  };
  const info = { title: deployment ?? modelName, version: '1.0', description: `${modelName}, ${task}` };
  if (version === 3) {
    return {
      openapi: '3.0.3',
      info,
      paths: {
        '/': { get: health },
        '/score': { post: { ...score, requestBody: { required: true, ...json(reference('ServiceInput'), EXAMPLE) } } },
      },
      components: { schemas, securitySchemes: { Bearer: { type: 'http', scheme: 'bearer' } } },
    };
  }
  const schema = reference('ServiceInput');
  const parameters = [{ name: 'serviceInputPayload', in: 'body', required: true, schema }];
  return {
    swagger: '2.0',
    info,
    consumes: ['application/json'],
    produces: ['application/json'],
    paths: { '/': { get: health }, '/score': { post: { ...score, parameters } } },
    definitions: { ...schemas, ServiceInput: { ...INPUT, example: EXAMPLE } },
    securityDefinitions: { Bearer: { type: 'apiKey', name: 'Authorization', in: 'header' } },
  };
}
