/** minirun's command line in front of a daemon. */
import { join, resolve } from 'node:path';
import { BUSYBOX_TAR } from './runtime.ts';
import { type Sandbox, sandboxWith } from './sandbox.ts';
import type { OwnClient } from './tutorial.ts';

const BIN = resolve(import.meta.dirname, '../../../bin');
export const MINIRUN = join(BIN, 'minirun');

/** @param words starts the daemon that listens at an address */
const ownClientOn = (name: string, words: (address: string, place: Sandbox) => string[]): Promise<OwnClient> =>
  sandboxWith(async (place) => {
    // Not where anybody looks for a daemon, so that nothing is found by luck.
    const address = `unix://${join(place.folder, 'd.sock')}`;
    const client = [MINIRUN, '-H', address];
    await place.daemon(name, words(address, place), [...client, 'version']);
    const imported = await place.run([...client, 'import', '-c', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
    if (imported.code !== 0) throw new Error(`minirun import: ${imported.err}`);
    return {
      name: 'docker',
      place,
      runtime: { path: name, calls: () => [], lastProcess: () => undefined },
      client,
      docker: ['docker', '-H', address],
      env: {},
      async restart() {
        throw new Error('it is not started again in these tests');
      },
      end: () => place.end(),
    };
  });

/** dockerd as Debian has it, with runc. */
export const ownClientOnDocker = (): Promise<OwnClient> =>
  ownClientOn('dockerd', (address) => ['dockerd', '-H', address, '--group', 'root', '--insecure-registry', '127.0.0.1:5000']);

export const ownClientOnMinirund = (): Promise<OwnClient> =>
  ownClientOn('minirund', (address) => [join(BIN, 'minirund'), '-H', address, '--insecure-registry', '127.0.0.1:5000']);
