import type { Pixels } from '@fovea/data/decode';

/** What is handed to the network. */
export type PreparedImage =
  | {
      readonly kind: 'input';
      /** [3, cropSize, cropSize] */
      readonly input: Float32Array;
    }
  | { readonly kind: 'whole'; readonly image: Pixels };

/** What goes along when it is sent to another thread, instead of a copy. */
export function bufferOf(prepared: PreparedImage): ArrayBuffer {
  const { buffer } = prepared.kind === 'input' ? prepared.input : prepared.image.pixels;
  return buffer as ArrayBuffer;
}
