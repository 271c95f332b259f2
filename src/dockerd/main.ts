/** `minirund`: Docker's API as a daemon, with dockerd's flags. */
import { rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { logTo, textOf } from '../containerd/log.ts';
import { packageRoot } from '../runc/engine/installed.ts';
import { MINIRUN_SHIM } from './container/runtime.ts';
import { writeWhole } from './durable.ts';
import { createApiServer } from './http/server.ts';
import { endWhenIdle, releaseMemoryWhenIdle } from './idle.ts';
import { listen, parseAddress } from './listen.ts';
import { openDaemon } from './open.ts';
import type { DaemonOptions } from './options.ts';
import { daemonCommand, optionsFrom } from './options-from-flags.ts';
import { routesOf } from './routes.ts';
import { DAEMON_VERSION } from './version.ts';

/** The runtime's name that containerd knows, and the program beside this one. */
const SHIMS = { [MINIRUN_SHIM]: join(packageRoot(), 'bin', 'containerd-shim-minirun-v1') };

async function serve(options: DaemonOptions): Promise<void> {
  if (process.geteuid?.() !== 0)
    throw new Error('minirund makes namespaces, mounts and cgroups for everybody who may ask it, so it must be started as root');
  const addresses = options.hosts.map(parseAddress);
  const log = logTo((line) => void writeSync(2, line), options.level);
  const daemon = await openDaemon(options, SHIMS, log);
  const servers = addresses.map((address) => ({
    address,
    api: createApiServer(routesOf(daemon), log, `minirun/${DAEMON_VERSION} (linux)`),
  }));
  for (const { address, api } of servers) await listen(api.server, address);
  if (options.pidfile !== undefined) writeWhole(options.pidfile, `${process.pid}\n`, 0o644);
  log('info', 'API listens', { hosts: options.hosts.join(' ') });
  const stop = async (why: string) => {
    stopWatching();
    log('info', `${why}: the daemon ends`);
    for (const { address, api } of servers) {
      await api.close();
      if (address.path !== undefined) rmSync(address.path, { force: true });
    }
    await daemon.close();
    if (options.pidfile !== undefined) rmSync(options.pidfile, { force: true });
    process.exit(0);
  };
  for (const { api } of servers) releaseMemoryWhenIdle(api.server);
  const stopWatching = endWhenIdle({
    ...daemon,
    servers: servers.map(({ api }) => api.server),
    seconds: options.idleTimeout,
    end: () => void stop(`no client and no container for ${options.idleTimeout} s`),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(signal));
}

const program = daemonCommand()
  .version(`minirund ${DAEMON_VERSION}`, '-v, --version', 'print the version')
  .action((flags: Record<string, unknown>) => serve(optionsFrom(flags)));

program.parseAsync().catch((error: unknown) => {
  writeSync(2, `minirund: ${textOf(error)}\n`);
  process.exit(1);
});
