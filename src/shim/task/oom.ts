/**
 * Hearing that the kernel killed something for lack of memory, without looking again and again.
 * Sources: Linux, admin-guide/cgroup-v1/memory.rst, "OOM Control", and cgroups.rst 2.4 (notification);
 * admin-guide/cgroup-v2.rst, memory.events.
 */
import { closeSync, existsSync, openSync, readSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeFd, eventCounter } from '../../libc/fd.ts';
import { poll } from '../../libc/poll.ts';
import { oomKills } from '../../runc/cgroup/oom.ts';
import type { CgroupPaths } from '../../runc/compile/cgroup-paths.ts';

/**
 * Calls back each time that it happens; version 1 tells each time, version 2 may tell of several at once.
 * @returns what ends the watch
 */
export function watchOom(paths: CgroupPaths, happened: () => void): () => void {
  const { memory } = paths.v1;
  if (memory !== undefined) return watchV1(memory, happened);
  if (paths.v2 !== undefined && existsSync(join(paths.v2, 'memory.events'))) return watchV2(paths, happened);
  return () => {};
}

/** The kernel counts up an eventfd that is registered with the cgroup. */
function watchV1(folder: string, happened: () => void): () => void {
  const file = join(folder, 'memory.oom_control');
  const counter = eventCounter();
  let control: number | undefined;
  try {
    control = openSync(file, 'r');
    writeFileSync(join(folder, 'cgroup.event_control'), `${counter} ${control}`);
  } catch (error) {
    closeFd(counter);
    throw error;
  } finally {
    if (control !== undefined) closeSync(control);
  }
  const waiting = poll(counter);
  const count = Buffer.alloc(8);
  let open = true;
  const stop = () => {
    if (!open) return;
    open = false;
    waiting.close();
    closeFd(counter);
  };
  waiting.when('readable', () => {
    readSync(counter, count);
    // The end of the cgroup is told in the same way.
    if (existsSync(file)) happened();
    else stop();
  });
  return stop;
}

/** A change of memory.events is a modification, for inotify. */
function watchV2(paths: CgroupPaths, happened: () => void): () => void {
  let killed = oomKills(paths);
  const look = () => {
    const now = oomKills(paths);
    if (now > killed) happened();
    killed = now;
  };
  const watcher = watch(join(paths.v2 as string, 'memory.events'), look);
  watcher.on('error', () => watcher.close());
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    watcher.close();
    // The end of what was killed may be heard of before the change of the file.
    look();
  };
}
