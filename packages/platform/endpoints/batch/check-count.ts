import { invalid } from '../../refusal.ts';

/** @throws Refusal unless it is a whole number in this range */
export function checkCount(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  throw invalid(`${name} should be a whole number, ${range}, not ${value}`, name);
}
