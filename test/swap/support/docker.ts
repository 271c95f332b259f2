/** dockerd with a containerd of its own, and minirun-runc as its default runtime. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { BUSYBOX_TAR, recordedRuntime } from './runtime.ts';
import { sandboxWith } from './sandbox.ts';

/** @param env of dockerd, and so of the shims and runtimes that it starts */
export const docker = (env: Record<string, string> = {}): Promise<Engine> =>
  sandboxWith(async (place) => {
    const runtime = recordedRuntime(place);
    const config = join(place.folder, 'daemon.json');
    const settings = {
      runtimes: { 'minirun-runc': { path: runtime.path } },
      'default-runtime': 'minirun-runc',
      // Containers survive a restart of dockerd.
      'live-restore': true,
    };
    writeFileSync(config, JSON.stringify(settings));
    const client = ['docker', '-H', 'unix:///run/docker.sock'];
    const start = ['dockerd', '--config-file', config, '-H', 'unix:///run/docker.sock', '--group', 'root'];
    await place.daemon('dockerd', start, [...client, 'version'], { env });
    const imported = await place.run([...client, 'import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
    if (imported.code !== 0) throw new Error(`docker import: ${imported.err}`);
    return { name: 'docker', place, runtime, client, env: {}, end: () => place.end() };
  });
