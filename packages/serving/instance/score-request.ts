import { decodeBase64 } from './base64.ts';
import { parseBoundedJson } from './bounded-json.ts';
import { type ExplanationParameters, explanationParameters } from './explanation-parameters.ts';
import { badRequest } from './request-error.ts';

/** A picture to score, and what to explain of the answer. */
export interface AskedImage {
  /** The bytes of a file, or where to get them. */
  readonly source: Uint8Array | URL;
  /** Null: the answer alone. */
  readonly explanation: ExplanationParameters | null;
  /** Its place in the request. */
  readonly target: string;
}

/** The whole of a request is shallow: an object, its input_data, a list, a row of it. */
const BODY = { depth: 8, marks: 200_000 };
const ELEMENT = { depth: 8, marks: 1000 };

/**
 * The pictures of a request in Azure's form:
 *
 * ```json
 * {"input_data": {"columns": ["image"], "data": ["<base64>", ["<base64>"], "{\"image_base64\": …}", "https://…"]}}
 * ```
 *
 * @param body UTF-8
 * @throws RequestError (400) naming the place
 */
export function parseScoreRequest(body: Uint8Array): AskedImage[] {
  const request = record(parseBoundedJson(utf8(body), BODY, 'the request'), 'the request', undefined);
  onlyKeys(request, ['input_data', 'params'], undefined);
  if (isFull(request.params)) throw badRequest('image models take no params', 'params');
  if (request.input_data === undefined)
    throw badRequest(`input_data is missing; a request is ${EXAMPLE}`, 'input_data');
  const input = record(request.input_data, 'input_data', 'input_data');
  onlyKeys(input, ['columns', 'index', 'data'], 'input_data');
  const { columns, index, data } = input;
  if (!Array.isArray(columns) || columns.length !== 1 || columns[0] !== 'image')
    throw badRequest(
      'columns should be ["image"]: there is one column, and it holds the pictures',
      'input_data.columns',
    );
  if (!Array.isArray(data))
    throw badRequest(`data should be a list of pictures; a request is ${EXAMPLE}`, 'input_data.data');
  if (index !== undefined && (!Array.isArray(index) || index.length !== data.length))
    throw badRequest(`index should have an entry for each of the ${data.length} rows of data`, 'input_data.index');
  return data.map((row, i) => askedImage(row, `input_data.data[${i}]`));
}

const EXAMPLE = '{"input_data": {"columns": ["image"], "data": ["<base64>"]}}';

function askedImage(row: unknown, target: string): AskedImage {
  const element = Array.isArray(row) && row.length === 1 ? row[0] : row;
  if (typeof element !== 'string')
    throw badRequest('a row should be a string, or a list with one string: a picture as base64', target);
  const start = /\S/.exec(element)?.index ?? 0;
  if (element[start] === '{') return withParameters(element, target);
  const source = /^https?:/i.test(element.slice(start, start + 6))
    ? url(element.trim(), target)
    : decodeBase64(element, target);
  return { source, explanation: null, target };
}

/** An element that is JSON itself: a picture and whether to explain what is said of it. */
function withParameters(element: string, target: string): AskedImage {
  const asked = record(parseBoundedJson(element, ELEMENT, 'the row', target), 'the row', target);
  onlyKeys(asked, ['image_base64', 'model_explainability', 'xai_parameters'], target);
  const { image_base64: image, model_explainability: explain = false, xai_parameters: parameters } = asked;
  if (typeof image !== 'string') throw badRequest('image_base64 is missing, or is no string', `${target}.image_base64`);
  if (typeof explain !== 'boolean')
    throw badRequest('model_explainability should be true or false', `${target}.model_explainability`);
  const checked = explanationParameters(parameters, `${target}.xai_parameters`);
  const wanted = explain && (checked.visualizations || checked.attributions);
  return { source: decodeBase64(image, `${target}.image_base64`), explanation: wanted ? checked : null, target };
}

const LONGEST_ADDRESS = 8192;

function url(text: string, target: string): URL {
  if (text.length > LONGEST_ADDRESS)
    throw badRequest(`the address is longer than ${LONGEST_ADDRESS} characters`, target);
  if (!URL.canParse(text)) throw badRequest('the address cannot be understood', target);
  return new URL(text);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the request is not JSON: it is not UTF-8');
  }
}

function record(value: unknown, what: string, target: string | undefined): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw badRequest(`${what} should be an object in braces`, target);
}

function onlyKeys(given: object, known: readonly string[], target: string | undefined): void {
  const odd = Object.keys(given).find((key) => !known.includes(key));
  if (odd === undefined) return;
  throw badRequest(`${JSON.stringify(odd.slice(0, 100))} is not known here; there is ${known.join(', ')}`, target);
}

const isFull = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === 'object' && Object.keys(value).length === 0);
