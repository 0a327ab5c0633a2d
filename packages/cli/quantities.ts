/** Seconds as a person says them: `0.4 s`, `42 s`, `2 m 10 s`, `1 h 05 m`, `2 d 03 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${padded(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${padded(hours % 24)} h`;
}

/** Whole seconds left: an estimate does not know tenths. */
export function remaining(seconds: number): string {
  return seconds < 9.5 ? `${Math.max(0, Math.round(seconds))} s` : duration(Math.round(seconds));
}

/** `58 img/s`; two digits that matter below ten. */
export function rate(imagesPerSecond: number): string {
  return `${significant(imagesPerSecond)} img/s`;
}

/** Bytes as millions of them, one decimal: `44.7`. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** `1,204`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 image`, `1,204 images`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A metric or a loss: three decimals, or three digits that matter where three decimals would hide it: `0.937`, `2.1e-6`, `123`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  if (size >= 100) return size >= 1e6 ? value.toExponential(1) : value.toFixed(0);
  return value.toFixed(3);
}

/** A part of one as a whole per cent, `61 %`; never 100 before all is done. */
export function percent(part: number): string {
  return `${part >= 1 ? 100 : Math.min(99, Math.floor(part * 100))} %`;
}

function significant(value: number): string {
  if (!Number.isFinite(value)) return '?';
  if (value >= 9.95) return count(value);
  return value >= 0.995 ? value.toFixed(1) : value.toFixed(2);
}

function padded(value: number): string {
  return String(value).padStart(2, '0');
}
