/** A file that is about to be sent. */
import { once } from 'node:events';
import type { ReadStream } from 'node:fs';
import { UsageError } from '../../usage-error.ts';

/** Waits until it is open. @throws UsageError in one line */
export async function opened(stream: ReadStream, path: string): Promise<ReadStream> {
  try {
    await once(stream, 'open');
    return stream;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`open ${path}: ${code === 'ENOENT' ? 'no such file or directory' : message}`);
  }
}
