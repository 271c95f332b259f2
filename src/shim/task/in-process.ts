/**
 * The OCI runtime inside the shim: the module behind minirun-runc, without a process of its own. The
 * state folder is the same, so `minirun-runc --root … list` shows these containers, and `delete --force`
 * clears them away after the shim's death.
 *
 * Its calls are synchronous: none may wait for something slow. Containers with hooks, which may take
 * any time and may even ask this shim for something, go through the program instead (choose-runtime.ts).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeze, thaw } from '../../runc/cgroup/freezer.ts';
import { containerProcesses } from '../../runc/cgroup/processes.ts';
import { startError } from '../../runc/commands/bundle.ts';
import { checkId, containerOf, holdContainer } from '../../runc/commands/container-id.ts';
import { deleteOci } from '../../runc/container/delete.ts';
import { startExec } from '../../runc/container/exec.ts';
import { signalContainer } from '../../runc/container/kill.ts';
import { startContainer } from '../../runc/container/make.ts';
import { statusOf } from '../../runc/container/oci-state.ts';
import type { RunRequest } from '../../runc/container/request.ts';
import { OWN_STREAMS, type Streams } from '../../runc/container/start.ts';
import { checkCreated, startCreated } from '../../runc/container/start-created.ts';
import { loadConfig } from '../../runc/container/state.ts';
import { updateContainer } from '../../runc/container/update.ts';
import type { Observer } from '../../runc/engine/observer.ts';
import { mayCloneInto } from '../../runc/host/clone-into.ts';
import type { Config } from '../../runc/spec/config.ts';
import { resourcesFromJson } from '../../runc/spec/resources.ts';
import { parseConfig, parseProcess } from '../../runc/spec/validate.ts';
import type { ObservedCall, ShimContext } from './context.ts';
import { inFolder } from './in-folder.ts';
import type { OciRuntime } from './runtime.ts';
import { stepWords } from './step-words.ts';

export interface InProcessOptions {
  /** The folder of all containers' state. */
  root: string;
  systemdCgroup: boolean;
  noPivot: boolean;
  noKeyring: boolean;
  warn: (sentence: string) => void;
  observe?: ShimContext['observe'] | undefined;
}

/** @throws Error in runc's words when the config has a terminal and the request has not, or the reverse */
function checkTerminal(wanted: boolean, streams: Streams | undefined): void {
  if (wanted && streams) throw new Error('cannot allocate tty if runc will detach without setting console socket');
  if (!wanted && !streams) throw new Error('cannot use console socket if runc will not detach or allocate tty');
}

/** All but checkpoint and restore: criu takes seconds. */
export function inProcessRuntime(options: InProcessOptions): Omit<OciRuntime, 'checkpoint' | 'restore'> {
  const { root, warn } = options;
  const observed = (call: ObservedCall, id: string): { observer?: Observer } => {
    const observer = options.observe?.(call, id);
    return observer ? { observer } : {};
  };
  const choices = { gated: true, preserveFds: 0, noKeyring: options.noKeyring, noPivot: options.noPivot, cloneInto: mayCloneInto() };

  return {
    async create({ id, bundle, streams }) {
      let command = '';
      let config: Config | undefined;
      try {
        config = parseConfig(readFileSync(join(bundle, 'config.json'), 'utf8'), 'config.json');
        command = config.process?.args?.[0] ?? '';
        checkTerminal(config.process?.terminal === true, streams);
        const request: RunRequest = {
          stateRoot: root,
          id: checkId(id),
          name: id,
          config,
          bundle,
          engine: 'native',
          remove: false,
          keep: false,
          hosted: true,
          warn,
          systemdCgroup: options.systemdCgroup,
          choices,
          ...observed('create', id),
        };
        // Relative paths of a config start at its bundle.
        const { pid, master } = inFolder(bundle, () => startContainer(request, streams ?? OWN_STREAMS, streams !== undefined));
        return { pid, master };
      } catch (error) {
        throw await startError('runc create failed', error, command, async (step) => stepWords(step, config));
      }
    },

    async start(id) {
      const { view, release } = holdContainer(root, id);
      try {
        checkCreated(view);
        const config = loadConfig(view);
        try {
          startCreated(view, config, observed('start', id).observer);
        } catch (error) {
          throw await startError('runc start failed', error, config.process?.args?.[0] ?? '', async (step) => stepWords(step, config));
        }
      } finally {
        release();
      }
    },

    async exec(id, { process: wanted, streams }) {
      const view = containerOf(root, id);
      const status = statusOf(view);
      if (status === 'stopped') throw new Error('exec failed: cannot exec in a stopped container');
      if (status === 'paused') throw new Error('exec failed: cannot exec in a paused container (use --ignore-paused to override)');
      let command = '';
      try {
        const asked = parseProcess(JSON.stringify(wanted), 'process');
        command = asked.args?.[0] ?? '';
        const started = startExec(
          view,
          {
            stateRoot: root,
            id,
            process: asked,
            engine: 'native',
            ownStreams: true,
            warn,
            choices: { cloneInto: mayCloneInto() },
            ...observed('exec', id),
          },
          streams,
        );
        return { pid: started.pid, master: started.master };
      } catch (error) {
        throw await startError('exec failed', error, command, async (step) => stepWords(step, undefined));
      }
    },

    async kill(id, signal, all) {
      signalContainer(containerOf(root, id), signal, { all });
    },

    async pause(id) {
      const view = containerOf(root, id);
      const status = statusOf(view);
      if (status !== 'running' && status !== 'created') throw new Error('container not running');
      freeze(view.state.cgroups);
    },

    async resume(id) {
      const view = containerOf(root, id);
      if (statusOf(view) !== 'paused') throw new Error('container not paused');
      thaw(view.state.cgroups);
    },

    async update(id, resources) {
      const view = containerOf(root, id);
      if (statusOf(view) === 'stopped') throw new Error('container not running');
      updateContainer(view, resourcesFromJson(resources, 'resources'), { warn });
    },

    async pids(id) {
      const view = containerOf(root, id);
      return view.status === 'stopped' ? [] : containerProcesses(view.state.cgroups, view.pid);
    },

    async delete(id, force) {
      const deleted = deleteOci(root, id, { force, warn, ...observed('delete', id) });
      if (!deleted && !force) throw new Error('container does not exist');
    },
  };
}
