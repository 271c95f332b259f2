/**
 * Options.shim_cgroup: the cgroup in which the shim itself is to be, so that its memory and time are
 * counted where somebody wants them (Kubernetes: the node's overhead). containerd gives the options to
 * `start` on its standard input, which the process that serves has inherited. In a process that holds
 * several containers, those of the first one count.
 */
import { closeSync, constants, existsSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { OptionsSchema } from '../proto/containerd/runc/options_pb.ts';
import { readCgroupFacts } from '../runc/host/cgroup-facts.ts';
import { typeOf } from './task/options.ts';

const MOST = 1 << 20;

/** What has arrived on standard input; nothing is waited for, as a person's terminal never ends. */
export function startOptions(): Uint8Array {
  try {
    const fd = openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(MOST);
      return bytes.subarray(0, readSync(fd, bytes));
    } finally {
      closeSync(fd);
    }
  } catch {
    return new Uint8Array(0);
  }
}

/** The cgroup that the options name, a path in its hierarchies; undefined where they name none. */
export function shimCgroup(input: Uint8Array): string | undefined {
  try {
    const any = fromBinary(AnySchema, input);
    return typeOf(any) === OptionsSchema.typeName ? fromBinary(OptionsSchema, any.value).shimCgroup || undefined : undefined;
  } catch {
    // Not for us: Create says what is wrong with it.
    return undefined;
  }
}

/** Goes into the cgroup in all hierarchies that have it. @throws Error when none does, or the kernel refuses */
export function enterCgroup(path: string): void {
  const { v1, v2 } = readCgroupFacts();
  // The root is the hierarchy's, whatever the path says.
  const folders = [...new Set([...Object.values(v1), ...(v2 ? [v2] : [])])].map((point) => join(point, normalize(`/${path}`)));
  const present = folders.filter((folder) => existsSync(join(folder, 'cgroup.procs')));
  if (present.length === 0) throw new Error(`there is no cgroup ${path} for the shim (ShimCgroup in the runtime's options)`);
  for (const folder of present) {
    try {
      writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
    } catch (error) {
      // Version 1's cpuset takes nobody while it names no processors: then it counts nothing either.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
