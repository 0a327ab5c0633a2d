const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const remindEvery = 15_000;

/**
 * Shows the steps of set-up on `stream`: running ones are redrawn below the finished ones on a terminal; elsewhere each step is one
 * line when it starts, one when it ends, and one every 15 s between.
 */
export function createScreen(stream, { width }) {
  const live = Boolean(stream.isTTY) && process.env.TERM !== 'dumb';
  const colour = live && !process.env.NO_COLOR;
  const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const active = new Map();
  let drawn = 0;
  let frame = 0;
  let timer = null;

  const erase = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  const draw = () => {
    erase();
    for (const [name, { start, detail }] of active) {
      const line = `${frames[frame % frames.length]} ${name.padEnd(width)} ${duration(Date.now() - start).padStart(9)}   ${detail}`;
      stream.write(`${line.slice(0, (stream.columns || 80) - 1)}\n`);
    }
    drawn = active.size;
  };
  const print = (line) => {
    if (live) erase();
    stream.write(`${line}\n`);
    if (live) draw();
  };
  const tick = () => {
    frame++;
    if (live) return draw();
    for (const [name, step] of active) {
      if (Date.now() - step.said < remindEvery) continue;
      step.said = Date.now();
      print(`· ${name.padEnd(width)} ${duration(Date.now() - step.start).padStart(9)}   ${step.detail}`);
    }
  };
  const end = (name, mark, note) => {
    const { start } = active.get(name);
    active.delete(name);
    print(`${mark} ${name.padEnd(width)} ${duration(Date.now() - start).padStart(9)}${note ? `   ${note}` : ''}`);
    if (active.size === 0) clearInterval(timer);
  };

  return {
    print,
    start(name, detail) {
      const now = Date.now();
      if (active.size === 0) timer = setInterval(tick, live ? 100 : 1000);
      active.set(name, { start: now, said: now, detail });
      if (live) draw();
      else print(`· ${name.padEnd(width)}             ${detail}`);
    },
    progress(name, detail) {
      const step = active.get(name);
      if (step) step.detail = detail;
    },
    done: (name, note) => end(name, paint(32, '✓'), note),
    failed: (name) => end(name, paint(31, '✗'), ''),
    already: (name, note) => print(`${paint(32, '✓')} ${name.padEnd(width)}             ${paint(2, note)}`),
    skipped: (name, note) => print(`${paint(2, '-')} ${name.padEnd(width)}             ${paint(2, note)}`),
    paint,
  };
}

/** 4100 → "4.1 s", 72000 → "1 m 12 s". */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`;
}
