import { readFileSync } from 'node:fs';

/**
 * Whether this processor adds products of unsigned and signed bytes in 16 bits, which overflow: x86 before VNNI. ONNX Runtime is then
 * to be asked for the slower way that is exact (`session.x64quantprecision`); elsewhere it is slower and no more exact.
 *
 * @param cpuInfo as Linux has it in /proc/cpuinfo; where there is none, exactness is asked for
 */
export function byteProductsOverflow(
  architecture: string = process.arch,
  cpuInfo: () => string = () => readFileSync('/proc/cpuinfo', 'utf8'),
): boolean {
  if (architecture !== 'x64') return false;
  try {
    return !/^flags\s*:.*\b(avx512_vnni|avx_vnni)\b/m.test(cpuInfo());
  } catch {
    return true;
  }
}
