/** What `inspect` tells of a container that was made without the daemon. */
import { findContainer } from '../runc/container/list.ts';
import { loadConfig } from '../runc/container/state.ts';

/** undefined where there is none of that name. */
export function daemonlessState(stateRoot: string, name: string): object | undefined {
  let view: ReturnType<typeof findContainer>;
  try {
    view = findContainer(stateRoot, name);
  } catch (error) {
    if (/^no container /.test((error as Error).message)) return undefined;
    throw error;
  }
  const { state, status, pid, ended } = view;
  return { ...state, status, pid, ...(ended ? { ended } : {}), config: loadConfig(view) };
}
