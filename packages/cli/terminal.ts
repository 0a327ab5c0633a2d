import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** One of the two ways out of the process. */
export interface Channel {
  write(text: string): void;
  /** Redrawing a line makes sense here: a terminal, and not a dumb one. */
  readonly isTerminal: boolean;
  columns(): number;
  /** `text` in `style` where colours are wanted (a terminal that has them, no NO_COLOR); else `text`. */
  paint(style: Style, text: string): string;
}

/** Results go to `out`, and nothing else does; whatever is said about them goes to `err`. */
export interface Terminal {
  readonly out: Channel;
  readonly err: Channel;
  /** Resolves when all that was written has left the process. */
  flush(): Promise<void>;
}

/** The terminal of this process. A reader who went away (`fovea job list | head -1`) is no error. */
export function processTerminal(): Terminal {
  const out = channelOf(process.stdout);
  const err = channelOf(process.stderr);
  return {
    out: out.channel,
    err: err.channel,
    async flush() {
      await Promise.all([out.flush(), err.flush()]);
    },
  };
}

function channelOf(stream: NodeJS.WriteStream): { channel: Channel; flush: () => Promise<void> } {
  let open = true;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    open = false;
    if (error.code === 'EPIPE' || stream === process.stderr) return;
    process.stderr.write(`the result could not be written: ${error.message}\n`);
    process.exitCode = 1;
  });
  const terminal = stream.isTTY ? (stream as unknown as WriteStream) : null;
  const colours = terminal?.hasColors() ?? false;
  const channel: Channel = {
    isTerminal: terminal !== null && process.env.TERM !== 'dumb',
    write(text) {
      if (open) stream.write(text);
    },
    columns: () => terminal?.columns || 80,
    paint: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
  };
  const flush = () => new Promise<void>((resolve) => (open ? stream.write('', () => resolve()) : resolve()));
  return { channel, flush };
}
