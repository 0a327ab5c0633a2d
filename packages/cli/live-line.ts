import type { Channel } from './terminal.ts';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearLine = '\r\x1b[2K';

/** The last line of a terminal, redrawn in place, with other lines passing above it. */
export interface LiveLine {
  /** `line` must fit the width: a line that wraps cannot be redrawn. */
  draw(line: string): void;
  /** Prints whole lines above the live one, which is drawn again below them. */
  print(text: string): void;
  /** Takes the line away. */
  clear(): void;
  /** `clear`, and gives the cursor back; drawing again hides it again. */
  close(): void;
}

export function liveLine(channel: Channel): LiveLine {
  let shown = '';
  let hidden = false;

  // Whatever ends the process, the person gets the cursor back.
  const giveBack = () => {
    if (hidden) channel.write(showCursor);
    hidden = false;
  };

  return {
    draw(line) {
      if (!hidden) {
        channel.write(hideCursor);
        process.on('exit', giveBack);
        hidden = true;
      }
      if (line !== shown) channel.write(clearLine + line);
      shown = line;
    },
    print(text) {
      channel.write((shown === '' ? '' : clearLine) + text.replace(/\n?$/, '\n') + shown);
    },
    clear() {
      if (shown !== '') channel.write(clearLine);
      shown = '';
    },
    close() {
      this.clear();
      giveBack();
      process.off('exit', giveBack);
    },
  };
}
