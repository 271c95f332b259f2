/** GET /version: which programs, of which versions, are behind this API. */
import { arch, release } from 'node:os';
import type { Daemon } from '../daemon.ts';
import { API_VERSION, MIN_API_VERSION } from '../http/router.ts';
import { DAEMON_VERSION } from '../version.ts';
import { buildTime, COMMIT } from './build.ts';
import { runtimeVersion } from './runtime-version.ts';

/** Go's names of processors, which clients compare with those of images. */
const GO_ARCH: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** The small init of `--init`. */
export const INIT = 'minirun-pid1';

export async function describeVersion({ clients, options }: Pick<Daemon, 'clients' | 'options'>): Promise<object> {
  const [containerd, runtime] = await Promise.all([clients.version.version({}), runtimeVersion(options)]);
  const engine = {
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: COMMIT,
    // Go it is not; this is what it runs on.
    GoVersion: `node ${process.version}`,
    Os: 'linux',
    Arch: GO_ARCH[arch()] ?? arch(),
    KernelVersion: release(),
    BuildTime: buildTime(),
  };
  return {
    Platform: { Name: 'minirun' },
    Components: [
      // Details are texts, all of them.
      { Name: 'Engine', Version: DAEMON_VERSION, Details: { ...engine, Experimental: 'false' } },
      { Name: 'containerd', Version: containerd.version, Details: { GitCommit: containerd.revision } },
      { Name: runtime.name, Version: runtime.version, Details: { GitCommit: runtime.commit } },
      { Name: INIT, Version: DAEMON_VERSION, Details: { GitCommit: COMMIT } },
    ],
    Version: DAEMON_VERSION,
    ...engine,
  };
}
