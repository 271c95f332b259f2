/** Which way a process's streams go. */
import { openFifos } from './fifo.ts';
import { openLogger } from './logger.ts';
import { type ProcessIo, type Stdio, type StdioOptions, schemeOf } from './stdio.ts';
import { openTerminal } from './terminal.ts';

/** Opens what the request names. @throws Error when it cannot be opened */
export async function openIo(stdio: Stdio, options: StdioOptions): Promise<ProcessIo> {
  const scheme = schemeOf(stdio.stdout);
  switch (scheme) {
    case 'fifo':
    case 'file':
      return stdio.terminal ? openTerminal(stdio) : openFifos(stdio, options);
    case 'binary':
    case 'binary-v2':
      if (stdio.terminal) throw new Error(`${scheme}: a terminal's output needs a fifo`);
      return openLogger(stdio, options);
    default:
      throw new Error(`unknown STDIO scheme ${scheme}`);
  }
}
