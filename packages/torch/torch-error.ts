/** libtorch refused the arguments of an operator, or failed in it. */
export class TorchError extends Error {
  override readonly name = 'TorchError';
  /** e.g. `aten::conv2d`, or `backward` for what is no operator */
  readonly operator: string;
  /** The arguments in words: shapes and dtypes of tensors, values of the rest. */
  readonly arguments: readonly string[];
  readonly reason: string;
  /** The device or the host had no memory left. */
  readonly outOfMemory: boolean;

  constructor(operator: string, args: readonly string[], reason: string) {
    const plain = plainly(reason);
    super(`${operator}: ${plain}\n  called with (${args.join(', ')})`);
    this.operator = operator;
    this.arguments = args;
    this.reason = plain;
    this.outOfMemory = /out of memory|can't allocate memory/i.test(reason);
  }
}

/** libtorch's words without its lists of C++ files, and with our spelling of the options that it names in Python's. */
function plainly(reason: string): string {
  return reason
    .replace(
      /Could not run '(.+?)' with arguments from the '(\w+)' backend\.[\s\S]*? is only available for these backends: \[(.*?)(?:, BackendSelect)?(?:, Python\b.*?)?\][\s\S]*/,
      "there is no '$1' for $2, only for $3",
    )
    .replace(/\n+\w+: registered at [\s\S]*/, '')
    .replaceAll(/\b(retain|create|allow)_(graph|unused)=True/g, (_, verb: string, noun: string) => {
      return `${verb}${noun[0].toUpperCase()}${noun.slice(1)}: true`;
    })
    .trim();
}
