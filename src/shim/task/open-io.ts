/** Which way a process's streams go. */
import { openFifos } from './fifo.ts';
import { type ProcessIo, type Stdio, type StdioOptions, schemeOf } from './stdio.ts';

/** Opens what the request names. @throws Error when it cannot be opened */
export async function openIo(stdio: Stdio, options: StdioOptions): Promise<ProcessIo> {
  const scheme = schemeOf(stdio.stdout);
  switch (scheme) {
    case 'fifo':
    case 'file':
      return openFifos(stdio, options);
    default:
      throw new Error(`unknown STDIO scheme ${scheme}`);
  }
}
