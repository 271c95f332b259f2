/** dockerd with a containerd of its own, and minirun-runc as its default runtime. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { BUSYBOX_TAR, recordedRuntime } from './runtime.ts';
import { eventually, sandboxWith } from './sandbox.ts';
import { SHIM } from './shim.ts';

const CLIENT = ['docker', '-H', 'unix:///run/docker.sock'];

/** @param shim minirun's, in the place of containerd's */
export const docker = ({ shim = false } = {}): Promise<Engine> =>
  sandboxWith(async (place) => {
    const runtime = recordedRuntime(place);
    const shims = join(place.folder, 'shims');
    mkdirSync(shims);
    // Docker 20.10 knows one shim by name.
    if (shim) symlinkSync(SHIM, join(shims, 'containerd-shim-runc-v2'));
    const config = join(place.folder, 'daemon.json');
    const settings = {
      runtimes: { 'minirun-runc': { path: runtime.path } },
      'default-runtime': 'minirun-runc',
      // Containers survive a restart of dockerd.
      'live-restore': true,
    };
    writeFileSync(config, JSON.stringify(settings));
    const command = ['dockerd', '--config-file', config, '-H', 'unix:///run/docker.sock', '--group', 'root'];
    const start = (env?: Record<string, string>) =>
      place.daemon('dockerd', command, [...CLIENT, 'version'], { env: { PATH: `${shims}:${process.env.PATH}`, ...env } });
    let daemon = await start();
    const imported = await place.run([...CLIENT, 'import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
    if (imported.code !== 0) throw new Error(`docker import: ${imported.err}`);
    return {
      name: 'docker',
      place,
      runtime,
      client: CLIENT,
      env: {},
      async restart(env) {
        await place.run(['sh', '-c', 'kill $(cat /run/docker.pid)']);
        await eventually('dockerd ends', () => daemon.exitCode !== null);
        daemon = await start(env);
      },
      end: () => place.end(),
    };
  });
