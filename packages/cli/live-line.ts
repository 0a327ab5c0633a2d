import type { Channel } from './terminal.ts';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearLine = '\r\x1b[2K';

/** The last lines of a terminal, redrawn in place, with other lines passing above them. */
export interface LiveLine {
  /** Each line must fit the width: a line that wraps cannot be redrawn. */
  draw(...lines: string[]): void;
  /** Prints whole lines above the live ones, which are drawn again below them. */
  print(text: string): void;
  /** Takes the lines away. */
  clear(): void;
  /** `clear`, and gives the cursor back; drawing again hides it again. */
  close(): void;
}

export function liveLine(channel: Channel): LiveLine {
  let shown: readonly string[] = [];
  let hidden = false;

  // Whatever ends the process, the person gets the cursor back.
  const giveBack = () => {
    if (hidden) channel.write(showCursor);
    hidden = false;
  };
  /** To the beginning of what is shown, which is cleared. */
  const takeAway = () => (shown.length > 1 ? `\r\x1b[${shown.length - 1}A\x1b[J` : clearLine);

  return {
    draw(...lines) {
      if (!hidden) {
        channel.write(hideCursor);
        process.on('exit', giveBack);
        hidden = true;
      }
      if (lines.length !== shown.length || lines.some((line, i) => line !== shown[i]))
        channel.write(takeAway() + lines.join('\n'));
      shown = lines;
    },
    print(text) {
      channel.write((shown.length === 0 ? '' : takeAway()) + text.replace(/\n?$/, '\n') + shown.join('\n'));
    },
    clear() {
      if (shown.length > 0) channel.write(takeAway());
      shown = [];
    },
    close() {
      this.clear();
      giveBack();
      process.off('exit', giveBack);
    },
  };
}
