/** Podman, as root, with minirun-runc as its runtime. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { BUSYBOX_TAR, recordedRuntime } from './runtime.ts';
import { sandboxWith } from './sandbox.ts';

/** The init of pods and of --init. */
export const CATATONIT = '/usr/libexec/podman/catatonit';

/**
 * A containers.conf. Podman's default ulimits lie above the hard limits of many machines, and
 * raising those takes CAP_SYS_RESOURCE.
 * @param more lines for the section [engine]
 */
export const containersConf = (runtime: string, more: string[] = []): string => `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "minirun-runc"
runtime_supports_json = ["minirun-runc"]
cgroup_manager = "cgroupfs"
events_logger = "file"
${more.join('\n')}
[engine.runtimes]
minirun-runc = ["${runtime}"]
`;

export const podman = (): Promise<Engine> =>
  sandboxWith(async (place) => {
    const runtime = recordedRuntime(place);
    const env = { CONTAINERS_CONF: join(place.folder, 'containers.conf') };
    writeFileSync(env.CONTAINERS_CONF, containersConf(runtime.path));
    const imported = await place.run(['podman', 'import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox'], { env });
    if (imported.code !== 0) throw new Error(`podman import: ${imported.err}`);
    return { name: 'podman', place, runtime, client: ['podman'], env, restart: async () => {}, end: () => place.end() };
  });
