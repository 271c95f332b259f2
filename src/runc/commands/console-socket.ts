/** `--console-socket`: who takes the terminal of a detached container. */
import { connectTo } from '../../libc/unix-socket.ts';

/**
 * A connection to the socket, when the command has a terminal that nobody here will serve.
 * @throws Error in runc's words when terminal and options do not fit
 */
export function connectConsoleSocket(path: string | undefined, terminal: boolean, detached: boolean): number | undefined {
  if (terminal && detached && !path) throw new Error('cannot allocate tty if runc will detach without setting console socket');
  if (path && (!terminal || !detached)) throw new Error('cannot use console socket if runc will not detach or allocate tty');
  return path ? connectTo(path, 'stream') : undefined;
}
