/** Fifos, which Node's fs module cannot make. */
import { call } from './fd.ts';
import { addressOf, cstring, must } from './ffi.ts';

const AT_FDCWD = -100;
const S_IFIFO = 0o010000;

/** mkfifo(3): a pipe with a name, for its owner alone unless `mode` says more. */
export function mkfifo(path: string, mode = 0o600): void {
  const name = cstring(path);
  must(`make the fifo ${path}`, call('mknodat', AT_FDCWD, addressOf(name), S_IFIFO | mode, 0));
}
