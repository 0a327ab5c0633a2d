import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const SOURCE = new URL('./resample.wat', import.meta.url);
export const COMPILED = new URL('./resample.wasm', import.meta.url);

/** The bytes of resample.wasm, from resample.wat. */
export async function compileResample(): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const module = parseWat('resample.wat', readFileSync(SOURCE, 'utf8'), { simd: true });
  module.validate();
  return module.toBinary({}).buffer;
}

if (import.meta.main) writeFileSync(COMPILED, await compileResample());
