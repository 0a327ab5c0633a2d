const pattern =
  /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const secondsOf = [7 * 86_400, 86_400, 3600, 60, 1];

/** Seconds of an ISO 8601 duration without years and months, as `PT90M` or `P7D`; null for another text. */
export function secondsOfDuration(text: string): number | null {
  const match = text.length <= 100 && text !== 'P' ? pattern.exec(text) : null;
  if (!match) return null;
  const seconds = match.slice(1).reduce((sum, part, i) => sum + Number(part ?? 0) * secondsOf[i], 0);
  return Number.isFinite(seconds) ? seconds : null;
}

/** An ISO 8601 duration, as SDKs write it: `PT60M`, and `P7D` for seven days, the default of jobs. */
export const durationOfMinutes = (minutes: number): string => (minutes === 7 * 24 * 60 ? 'P7D' : `PT${minutes}M`);

/** Seconds as an ISO 8601 duration without an exponent: `PT10S`, `PT0.5S`. */
export const durationOfSeconds = (seconds: number): string => `PT${seconds.toFixed(3).replace(/\.?0+$/, '')}S`;
