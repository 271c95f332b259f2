/** The connection to a seccomp agent, which init uses when the filter is there (compile/seccomp-agent.ts). */
import { connectTo } from '../../libc/unix-socket.ts';

/**
 * Made by the runtime and given to init as a descriptor: the agent's socket lies on the host, and
 * an agent that does not run is noticed before anything is made.
 * @param path `linux.seccomp.listenerPath`; one that begins with `@` is in the abstract namespace (unix(7))
 * @throws Error that names the path and the usual cause
 */
export function connectAgent(path: string): number {
  try {
    return connectTo(path, 'stream');
  } catch (error) {
    throw new Error(
      `failed to connect with seccomp agent specified in the seccomp profile (#/linux/seccomp/listenerPath ${path}): ${(error as Error).message}; start the agent first`,
    );
  }
}
