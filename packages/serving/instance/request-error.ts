/** A request that gets no answer, and what its sender is told: a status of HTTP, and a body of Azure's shape. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly code: string;
  /** Place in the request, e.g. `input_data.data[3]`. */
  readonly target: string | undefined;
  /** Whole seconds after which to try again. */
  readonly retryAfter: number | undefined;
  /** Of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    {
      target,
      retryAfter,
      headers = {},
    }: { target?: string | undefined; retryAfter?: number; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.target = target;
    this.retryAfter = retryAfter;
    this.headers = headers;
  }

  /** `{"error": {"code", "message", "target"}}` */
  get body(): { error: { code: string; message: string; target?: string } } {
    const { code, message, target } = this;
    return { error: { code, message, ...(target !== undefined && { target }) } };
  }
}

/** The sender's fault: what is asked for cannot be understood. @param target place in the request */
export function badRequest(message: string, target?: string): RequestError {
  return new RequestError(400, 'BadRequest', message, { target });
}
