/** The environment of the tests: the same whoever starts them. */
import { dirname } from 'node:path';

/** @param temporary folder for temporary files */
export const environment = (temporary: string): Record<string, string> => ({
  PATH: `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${dirname(process.execPath)}`,
  HOME: process.env.HOME ?? '/root',
  LANG: 'C',
  TERM: 'xterm',
  TMPDIR: temporary,
});
