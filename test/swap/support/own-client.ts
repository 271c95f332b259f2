/** minirun's command line with the real dockerd behind it. */
import { join, resolve } from 'node:path';
import type { Engine } from './engine.ts';
import { BUSYBOX_TAR } from './runtime.ts';
import { sandboxWith } from './sandbox.ts';

export const MINIRUN = resolve(import.meta.dirname, '../../../bin/minirun');

/** dockerd as Debian has it, with runc. Its socket is not where anybody looks for one, so that nothing is found by luck. */
export const ownClientOnDocker = (): Promise<Engine & { docker: string[] }> =>
  sandboxWith(async (place) => {
    const address = `unix://${join(place.folder, 'd.sock')}`;
    const docker = ['docker', '-H', address];
    const start = (env?: Record<string, string>) =>
      place.daemon(
        'dockerd',
        ['dockerd', '-H', address, '--group', 'root', '--insecure-registry', '127.0.0.1:5000'],
        [...docker, 'version'],
        { env },
      );
    await start();
    const imported = await place.run([MINIRUN, '-H', address, 'import', '-c', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
    if (imported.code !== 0) throw new Error(`minirun import: ${imported.err}`);
    return {
      name: 'docker',
      place,
      runtime: { path: 'runc', calls: () => [] } as unknown as Engine['runtime'],
      client: [MINIRUN, '-H', address],
      docker,
      env: {},
      async restart() {
        throw new Error('it is not started again in these tests');
      },
      end: () => place.end(),
    };
  });
