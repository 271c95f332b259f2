/** Writing whole texts. */
import { writeSync } from 'node:fs';

/** Also to a pipe that is full for the moment. A reader that is gone is no error. */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return; // nobody listens any more: the container goes on
      if (code !== 'EAGAIN') throw error;
    }
  }
}
