import type { InstanceAnswer } from './ask-instance.ts';

/** Status of an answer, with the headers that tell of the model's own status where it is another. */
export interface AnswerStatus {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What an instance's answer is called towards the client, as Azure's gateway does it: 424 says that the model failed, and not the gateway. */
export function answerStatus({ status, body }: InstanceAnswer): AnswerStatus {
  if (status >= 200 && status < 300) return { status, headers: {} };
  if (status >= 400 && status < 500) return { status, headers: {} };
  return {
    status: 424,
    headers: {
      'ms-azureml-model-error-statuscode': String(status),
      'ms-azureml-model-error-reason': Buffer.isBuffer(body) ? reasonOf(body) : 'model_error',
    },
  };
}

/** The message of an error's body, as a header can have it. */
function reasonOf(body: Buffer): string {
  let message: unknown;
  try {
    message = JSON.parse(body.toString()).error.message;
  } catch {
    message = null;
  }
  const plain =
    typeof message === 'string'
      ? message
          .replace(/[^\x20-\x7e]+/g, ' ')
          .trim()
          .slice(0, 300)
      : '';
  return plain === '' ? 'model_error' : plain;
}
