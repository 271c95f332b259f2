/** Podman as an ordinary user, with a range of subordinate ids, who exists only in the sandbox. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { containersConf } from './podman.ts';
import { BUSYBOX_TAR, recordedRuntime } from './runtime.ts';
import { sandboxWith } from './sandbox.ts';

/** Nobody's number on a Debian system. */
export const USER = 64123;

export const rootlessPodman = (): Promise<Engine> =>
  sandboxWith(async (place) => {
    const runtime = recordedRuntime(place);
    const home = join(place.folder, 'user');
    mkdirSync(home);
    chownSync(home, USER, USER);
    const config = join(place.folder, 'containers.conf');
    writeFileSync(config, containersConf(runtime.path));
    // The recorder of calls is the user's, too.
    const calls = join(place.folder, 'runtime-calls');
    writeFileSync(calls, '');
    chmodSync(calls, 0o666);
    const made = await place.run([
      'sh',
      '-euc',
      `echo user:100000:65536 | tee /etc/subuid > /etc/subgid
      echo user:x:${USER}:${USER}::${home}:/bin/sh >> /etc/passwd
      echo user:x:${USER}: >> /etc/group
      mkdir -p /run/user/${USER}
      chown ${USER}:${USER} /run/user/${USER}
      chmod 700 /run/user/${USER}`,
    ]);
    if (made.code !== 0) throw new Error(`making a user: ${made.err}`);
    const env = { CONTAINERS_CONF: config, HOME: home, XDG_RUNTIME_DIR: `/run/user/${USER}`, TMPDIR: '/tmp' };
    const client = ['setpriv', '--reuid', String(USER), '--regid', String(USER), '--clear-groups', 'podman'];
    const imported = await place.run([...client, 'import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox'], { env });
    if (imported.code !== 0) throw new Error(`podman import: ${imported.err}`);
    return { name: 'podman', place, runtime, client, env, restart: async () => {}, end: () => place.end() };
  });
