/**
 * Names in checkpoints of torchvision's detection models from before its version 0.13, and what they became when their convolutions
 * were wrapped with normalisation and activation (`Conv2dNormActivation`).
 */
const RENAMED: readonly [RegExp, (...parts: string[]) => string][] = [
  [/^(.*fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$/, (_, block, leaf) => `${block}.0.${leaf}`],
  [/^(.*rpn\.head\.conv)\.(weight|bias)$/, (_, head, leaf) => `${head}.0.0.${leaf}`],
  [/^(.*mask_head)\.mask_fcn(\d+)\.(weight|bias)$/, (_, head, nth, leaf) => `${head}.${Number(nth) - 1}.0.${leaf}`],
  // These were convolution, ReLU, convolution, …: every second place.
  [
    /^(.*head\.(?:classification|regression)_head\.conv)\.(\d+)\.(weight|bias)$/,
    (_, head, nth, leaf) => `${head}.${Number(nth) / 2}.0.${leaf}`,
  ],
];

/** The present name of a parameter with an older one, or null. */
export function presentName(name: string): string | null {
  for (const [pattern, rename] of RENAMED) if (pattern.test(name)) return name.replace(pattern, rename);
  return null;
}
