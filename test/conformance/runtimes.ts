/** The runtimes that can be judged here. */
import { join } from 'node:path';
import { packageRoot } from '../../src/runc/engine/installed.ts';
import { findProgram, probeHost } from '../../src/runc/host/probe.ts';
import type { Runtime } from './suite.ts';

/** crun refuses the hybrid layout of cgroups unless the version 2 part is out of sight; only the tests' own mount namespace changes. */
function withoutUnified(): string[] {
  const { mode, v2 } = probeHost({ ociVersion: '1.2.0' }).cgroup;
  return mode === 'hybrid' && v2 ? ['sh', '-c', 'umount "$0" && exec "$@"', v2] : [];
}

/**
 * @param name `minirun`, `runc`, `crun`, or the absolute path of another runtime with runc's options
 * @throws Error when it is not installed
 */
export function runtime(name: string): Runtime {
  if (name === 'minirun') return { name, path: join(packageRoot(), 'bin', 'minirun-runc'), prefix: [], crunOptions: false };
  const path = name.startsWith('/') ? name : findProgram(name, `${process.env.PATH}:/usr/sbin:/sbin`);
  if (!path) throw new Error(`${name} is not installed: apt-get install ${name}`);
  const crun = name === 'crun';
  return { name, path, prefix: crun ? withoutUnified() : [], crunOptions: crun };
}
