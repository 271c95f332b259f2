/** From a request to a program: facts, compilation, and what must be refused before anything is made. */
import { join } from 'node:path';
import { cgroupsFrozen, cgroupsShared } from '../cgroup/processes.ts';
import { checkResources } from '../compile/cgroup-needs.ts';
import { type CgroupPaths, cgroupPaths } from '../compile/cgroup-paths.ts';
import { compile, rootfsPath } from '../compile/compile.ts';
import { missingPaths } from '../compile/missing-paths.ts';
import { mountsOnHost } from '../compile/root.ts';
import { seccompMissing } from '../compile/seccomp.ts';
import { unsupported } from '../compile/unsupported.ts';
import { ffiRefusal } from '../engine/ffi.ts';
import type { Host } from '../host/facts.ts';
import { nullStreams as nullStreamsOf } from '../host/null-device.ts';
import { probeHost } from '../host/probe.ts';
import type { Program } from '../program/step.ts';
import { withHome } from './home.ts';
import { type HostRoot, hostRootAt } from './host-root.ts';
import type { RunRequest } from './request.ts';
import type { Streams } from './start.ts';

/** @throws Error with one clear sentence when this host cannot do what is asked */
export function prepare(
  request: RunRequest,
  streams: Streams,
  ownStreams: boolean,
): { program: Program; host: Host; rootfs: string; cgroups: CgroupPaths; hostRoot: HostRoot | undefined } {
  const rootfs = rootfsPath(request.config, request.bundle);
  const { process } = request.config;
  const config = process ? { ...request.config, process: withHome(process, rootfs) } : request.config;
  const host = probeHost(config, {
    bundle: request.bundle,
    filterCache: join(request.stateRoot, '.seccomp'),
    warn: request.warn,
    noPivot: request.choices?.noPivot === true,
    systemdCgroup: request.systemdCgroup === true,
    ...(request.rootless === undefined ? {} : { rootless: request.rootless }),
  });
  const problem =
    missingPaths(config, host, request.bundle)[0] ??
    unsupported(config, host)[0] ??
    seccompMissing(config, host) ??
    checkResources(config, host)[0];
  if (problem) throw new Error(problem);
  const cgroups = cgroupPaths(config, host, request.id);
  const frozen = cgroupsFrozen(cgroups);
  if (frozen) throw new Error(frozen);
  const shared = cgroupsShared(cgroups);
  // systemd puts nobody into a unit that is there already, and a start that fails would stop it.
  if (shared && cgroups.unit) throw new Error(shared);
  if (shared) request.warn(shared);
  const nullStreams = process?.terminal ? [] : nullStreamsOf([streams.stdin, streams.stdout, streams.stderr]);
  const compiled = compile(config, host, { id: request.id, bundle: request.bundle, ownStreams, nullStreams, ...request.choices });
  const program = request.alter ? request.alter(compiled) : compiled;
  const refusal = request.engine === 'ffi' ? ffiRefusal(program) : undefined;
  if (refusal) throw new Error(refusal);
  for (const warning of program.warnings) request.warn(warning);
  const hostRoot = mountsOnHost(config, host) ? hostRootAt(rootfs) : undefined;
  return { program, host, rootfs, cgroups: shared ? { ...cgroups, shared: true } : cgroups, hostRoot };
}
