/** An explanation was asked for in a way that cannot be answered: the message tells the one who asked. */
export class ExplanationError extends Error {
  override readonly name = 'ExplanationError';
}

/** @throws ExplanationError where a network computed anything that is not a number */
export function requireFinite(attributions: Float32Array | Float64Array): void {
  if (attributions.every(Number.isFinite)) return;
  throw new ExplanationError(
    'the network computes values that are not finite for this image: there is nothing to explain',
  );
}
