/** `delete` as the runtime specification has it: only what does not run, or what is killed first. */

import { call, closeFd } from '../../libc/fd.ts';
import { waitReadable } from '../../libc/process.ts';
import { killAll } from '../cgroup/kill.ts';
import { hooksOf } from '../compile/hooks.ts';
import type { Config } from '../spec/config.ts';
import { runHooks } from './hooks.ts';
import { signalProcess } from './kill.ts';
import { removeTraces } from './remove.ts';
import { type ContainerView, isAlive, loadConfig, type ProcessName } from './state.ts';

const SIGKILL = 9;
const PATIENCE_MS = 10_000;

/** Kills a process and waits until it is gone. @throws Error after ten seconds */
function end(process: ProcessName | undefined): void {
  if (!process || !isAlive(process)) return;
  const pidfd = call('pidfd_open', process.pid, 0);
  if (pidfd < 0) return;
  try {
    if (!isAlive(process)) return;
    signalProcess(process, SIGKILL);
    if (!waitReadable(pidfd, PATIENCE_MS))
      throw new Error(
        `container init still running: process ${process.pid} has not ended ${PATIENCE_MS / 1000} s after SIGKILL; usual cause: it waits for a disk or a network file system`,
      );
  } finally {
    closeFd(pidfd);
  }
}

/**
 * Removes a container that has ended, was never started, or is to be killed.
 * @throws Error in runc's words when it runs and force is not given
 */
export function deleteOci(view: ContainerView, options: { force: boolean; warn: (sentence: string) => void }): void {
  const { state } = view;
  const endable = view.status === 'stopped' || view.status === 'created';
  if (!endable && !options.force) throw new Error(`cannot delete container ${state.id} that is not stopped: ${view.status}`);
  // One that is just being made: without its maker it ends by itself.
  if (view.status === 'creating') end(state.owner);
  killAll(state.cgroups, SIGKILL);
  end(state.init);
  const config = configOf(view);
  removeTraces(view.stateRoot, state.id, state);
  if (!config || !hooksOf(config, 'poststop').length) return;
  try {
    runHooks(config, 'poststop', { id: state.id, bundle: state.bundle, pid: 0 });
  } catch (error) {
    // The container is gone whatever the hook says (runtime.md, "Lifecycle").
    options.warn((error as Error).message);
  }
}

function configOf(view: ContainerView): Config | undefined {
  try {
    return loadConfig(view);
  } catch {
    return undefined;
  }
}
