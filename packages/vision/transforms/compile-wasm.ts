import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const SOURCE = new URL('./colour.wat', import.meta.url);
export const COMPILED = new URL('./colour.wasm', import.meta.url);

/** The bytes of colour.wasm, from colour.wat. */
export async function compileColour(): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('colour.wat', readFileSync(SOURCE, 'utf8'), { simd: true, relaxed_simd: true });
  module.validate();
  return module.toBinary({}).buffer;
}

if (import.meta.main) writeFileSync(COMPILED, await compileColour());
